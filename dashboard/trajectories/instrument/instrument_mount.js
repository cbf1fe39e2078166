// The instrument as Streamlit calls it.

/** @type {WeakMap<Element, Board>} */
const boards = new WeakMap();

/**
 * Called at every change of data or theme, always with the same parent element.
 * @param {BrushComponent & {data: BrushData & BoardData}} component
 * @returns {(() => void) | undefined}
 */
export default function mount(component) {
  const { parentElement, data } = component;
  const root = /** @type {HTMLElement | null} */ (parentElement.querySelector(".instrument"));
  if (!root || !data) return undefined;
  oneEntryForEachPage();
  const before = boards.get(parentElement);
  if (before?.root !== root) before?.destroy();
  const board = before?.root === root ? before : new Board(root);
  boards.set(parentElement, board);
  board.update(component);
  return () => {
    if (root.isConnected) return;
    board.destroy();
    boards.delete(parentElement);
  };
}

/** Streamlit makes an entry in the history of every change of the address: a drag is none. */
function oneEntryForEachPage() {
  const { history } = window;
  if (Object.hasOwn(history, "pushState")) return;
  const push = history.pushState.bind(history);
  history.pushState = (state, unused, url) => {
    const isSamePage = url && new URL(url, location.href).pathname === location.pathname;
    if (isSamePage) history.replaceState(state, unused, url);
    else push(state, unused, url);
  };
}
