// One image on a page, with what it needs to be judged.

/** @type {WeakMap<HTMLElement, ViewerImage>} */
const viewers = new WeakMap();

/** @param {{data: ViewedImage, parentElement: HTMLElement}} component */
export default function mount({ data, parentElement }) {
  const root = /** @type {HTMLElement | null} */ (parentElement.querySelector(".sample-viewer"));
  if (!root || !data) return;
  const viewer = viewers.get(root) ?? new ViewerImage();
  viewers.set(root, viewer);
  if (!viewer.root.isConnected) root.replaceChildren(viewer.root);
  viewer.show(data);
}
