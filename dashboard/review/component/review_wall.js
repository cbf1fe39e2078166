// A wall of images that are decided on together. A click makes an image an exception; a group is
// sent until the server has answered it, and the browser keeps it from one page to the next.

/**
 * One image; label and status are empty where the view hides them.
 * @typedef {object} Tile
 * @property {number} index
 * @property {string} name
 * @property {string} label
 * @property {string} status
 * @property {string} image
 * @property {number} seen
 */

/**
 * A decision on many samples, as it is sent.
 * @typedef {object} Group
 * @property {string} token
 * @property {string} action
 * @property {string | null} label
 * @property {[index: number, seen: number][]} samples
 * @property {number} n_exceptions
 */

/**
 * Everything Python sends.
 * @typedef {object} WallData
 * @property {string} account
 * @property {string} group names what is shown
 * @property {number} n_queue
 * @property {Tile[]} tiles
 * @property {string[]} classes
 * @property {boolean} is_blind
 * @property {number} n_undoable decisions of the reader's last group
 * @property {Record<string, string>} images
 * @property {Record<string, [boolean, string]>} answers
 */

/**
 * @typedef {object} WallComponent
 * @property {WallData} data
 * @property {HTMLElement} parentElement
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */

const RESEND = 4000; // ms after which an unanswered group is sent again
/** @type {WeakMap<HTMLElement, Wall>} */
const walls = new WeakMap();

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

/**
 * A token that no other group has.
 * @returns {string}
 */
function newToken() {
  const numbers = crypto.getRandomValues(new Uint8Array(16));
  return `wall-${[...numbers].map((number) => number.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * What is sent of some images: all but the exceptions.
 * @param {Tile[]} tiles
 * @param {Set<number>} exceptions
 * @param {string} action
 * @param {string | null} label
 * @returns {Group}
 */
function groupOf(tiles, exceptions, action, label) {
  const decided = action === "undo" ? [] : tiles.filter(({ index }) => !exceptions.has(index));
  return {
    token: newToken(),
    action,
    label,
    samples: decided.map(({ index, seen }) => [index, seen]),
    n_exceptions: action === "undo" ? 0 : tiles.length - decided.length,
  };
}

/** The one group that the server has not answered yet; the browser keeps it. */
class Unanswered {
  /** @param {string} account */
  constructor(account) {
    this.account = account;
    this.group = this.kept();
  }

  /** @returns {Group | null} */
  kept() {
    try {
      return JSON.parse(localStorage.getItem(this.account) ?? "null");
    } catch {
      return null;
    }
  }

  /** @param {Group | null} group */
  set(group) {
    this.group = group;
    try {
      if (group) localStorage.setItem(this.account, JSON.stringify(group));
      else localStorage.removeItem(this.account);
    } catch {
      // A browser that keeps nothing still sends what it has.
    }
  }

  /**
   * Let go of the group once it is answered, and return the answer.
   * @param {Record<string, [boolean, string]>} answers
   * @returns {[boolean, string] | null}
   */
  take(answers) {
    const answer = this.group && answers[this.group.token];
    if (!answer) return null;
    this.set(null);
    return answer;
  }
}

class Wall {
  /** @type {WallData} */
  data;
  /** @type {Unanswered} */
  waiting;
  /** @type {WallComponent["setTriggerValue"]} */
  send;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Set<number>} */
    this.exceptions = new Set();
    /** @type {{text: string, isBad: boolean}} */
    this.note = { text: "", isBad: false };
    this.tiles = make("ul", "tiles");
    this.bar = make("div", "bar");
    this.said = make("div", "said");
    this.said.setAttribute("role", "status");
    this.klass = make("select");
    this.klass.setAttribute("aria-label", "Class of all images but the exceptions");
    const foot = make("div", "foot");
    foot.append(this.bar, this.said);
    root.replaceChildren(this.tiles, foot);
    this.clock = setInterval(() => this.waiting?.group && this.report(), RESEND);
  }

  destroy() {
    clearInterval(this.clock);
  }

  /** @param {WallComponent} component */
  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    const isOther = this.data?.account !== data.account;
    if (this.data?.group !== data.group) this.exceptions.clear();
    this.data = data;
    if (isOther) this.waiting = new Unanswered(data.account);
    const answer = this.waiting.take(data.answers);
    if (answer) this.note = { text: answer[1], isBad: !answer[0] };
    this.drawTiles();
    this.drawBar();
    if (isOther && this.waiting.group) this.report();
  }

  // --- what the reader does ---------------------------------------------------------------

  /**
   * @param {string} action
   * @param {string | null} [label]
   */
  decide(action, label = null) {
    const reason = this.reasonAgainst(action);
    if (reason) {
      this.note = { text: reason, isBad: true };
    } else {
      this.waiting.set(groupOf(this.data.tiles, this.exceptions, action, label));
      this.note = { text: "", isBad: false };
      this.report();
    }
    this.drawBar();
  }

  /**
   * Why something cannot be decided now; empty where it can.
   * @param {string} action
   * @returns {string}
   */
  reasonAgainst(action) {
    if (this.waiting.group) return "The last group is being saved. Wait a moment.";
    if (action === "undo") return this.data.n_undoable ? "" : "There is no group to take back.";
    if (action === "keep" && this.data.is_blind) return "Blind reading: name the class you see.";
    if (this.exceptions.size === this.data.tiles.length) {
      return "Every image is an exception. Click some of them again.";
    }
    return "";
  }

  report() {
    this.send?.("group", this.waiting.group);
  }

  // --- what is on the screen --------------------------------------------------------------

  drawTiles() {
    this.tiles.replaceChildren(
      ...this.data.tiles.map((tile) => {
        const item = make("li");
        item.append(this.tileButton(tile));
        return item;
      }),
    );
  }

  /**
   * @param {Tile} tile
   * @returns {HTMLButtonElement}
   */
  tileButton(tile) {
    const button = make("button", "tile");
    button.type = "button";
    button.title = `${tile.name}: click to leave it out`;
    button.dataset.index = String(tile.index);
    const image = make("img");
    Object.assign(image, { src: this.data.images[tile.image] ?? "", alt: tile.name });
    button.append(image, make("span", "mark", "exception"));
    button.append(make("span", "label", tile.label || tile.name));
    if (tile.status) button.append(make("span", "status", tile.status));
    button.setAttribute("aria-pressed", String(this.exceptions.has(tile.index)));
    button.addEventListener("click", () => {
      if (!this.exceptions.delete(tile.index)) this.exceptions.add(tile.index);
      button.setAttribute("aria-pressed", String(this.exceptions.has(tile.index)));
      this.note = { text: "", isBad: false };
      this.drawBar();
    });
    return button;
  }

  drawBar() {
    const { tiles, classes, n_undoable, n_queue } = this.data;
    const n = tiles.length - this.exceptions.size;
    const count = make("span", "count", `${n} of ${tiles.length} images`);
    count.title = `${n_queue} in the queue`;
    const chosen = this.klass.value;
    this.klass.replaceChildren(
      ...classes.map((name) => Object.assign(make("option", "", name), { value: name })),
    );
    if (classes.includes(chosen)) this.klass.value = chosen;
    this.bar.replaceChildren(
      count,
      this.button("All right", "keep", () => this.decide("keep")),
      this.button("All are …", "relabel", () => this.decide("relabel", this.klass.value)),
      this.klass,
      this.button(n_undoable ? `Undo the last group (${n_undoable})` : "Undo", "undo", () =>
        this.decide("undo"),
      ),
    );
    const isWaiting = this.waiting.group !== null;
    this.said.className = this.note.isBad ? "said bad" : "said";
    this.said.textContent = isWaiting ? "Saving…" : this.note.text || this.aid();
    this.root.dataset.pending = isWaiting ? "1" : "0";
  }

  /** @returns {string} */
  aid() {
    const n = this.exceptions.size;
    return n
      ? `${n} left out: they stay in the queue.`
      : "Click what does not belong here: it is left out and stays in the queue.";
  }

  /**
   * @param {string} title
   * @param {string} action
   * @param {() => void} act
   * @returns {HTMLButtonElement}
   */
  button(title, action, act) {
    const button = make("button", "", title);
    button.type = "button";
    const reason = this.reasonAgainst(action);
    if (reason) {
      button.setAttribute("aria-disabled", "true");
      button.title = reason;
    }
    button.addEventListener("click", act);
    return button;
  }
}

/**
 * @param {WallComponent} component
 * @returns {(() => void) | undefined}
 */
export default function mount(component) {
  const { parentElement, data } = component;
  const root = /** @type {HTMLElement | null} */ (parentElement.querySelector(".wall"));
  if (!root || !data) return undefined;
  const wall = walls.get(root) ?? new Wall(root);
  walls.set(root, wall);
  wall.update(component);
  return () => {
    if (root.isConnected) return;
    walls.get(root)?.destroy();
    walls.delete(root);
  };
}
