// The brush as a component of its own: what Streamlit calls.

/** @type {WeakMap<Element, Brush>} */
const brushes = new WeakMap();

/**
 * Called by Streamlit at every change of data or theme, always with the same parent element.
 * @param {BrushComponent} component
 * @returns {(() => void) | undefined}
 */
export default function mount(component) {
  const { parentElement, data } = component;
  const root = /** @type {HTMLElement | null} */ (parentElement.querySelector(".brush"));
  if (!root || !data) return undefined;
  const before = brushes.get(parentElement);
  if (before?.root !== root) before?.destroy();
  const brush = before?.root === root ? before : new Brush(root);
  brushes.set(parentElement, brush);
  brush.update(component);
  // A call overtaken by a newer one is cleaned up although the element lives on.
  return () => {
    if (root.isConnected) return;
    brush.destroy();
    brushes.delete(parentElement);
  };
}
