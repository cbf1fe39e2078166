// The reviewer's desk. A decision moves on at once, from images that are here already; it is sent
// with all others that the server has not answered yet, until it has.

/**
 * One sample in the queue; what a blind reader must not know is empty.
 * @typedef {object} Item
 * @property {number} place
 * @property {number} index
 * @property {string} name
 * @property {string | null} image
 * @property {string} original where the original is; empty where there is none
 * @property {number} seen
 * @property {[image: string, label: string][]} neighbours
 * @property {string} label
 * @property {string[]} labels of a sample that carries any number of them
 * @property {string} prediction
 * @property {string[]} reasons
 * @property {string} status
 * @property {number | null} proposal the event that a second reader may confirm or reject
 */

/**
 * A decision, as it is sent.
 * @typedef {object} Wish
 * @property {string} token
 * @property {string} action
 * @property {number} index
 * @property {string | null} label
 * @property {number | null} target
 * @property {number} seen
 * @property {string} reason
 * @property {number | null} confidence
 * @property {number} [place]
 */

/** @typedef {{saved: Record<string, string>, refused: Record<string, string>}} Answers by token */
/** @typedef {{wish: Wish, text: string, isRefused: boolean}} Answer */
/** @typedef {{name: string, key: string, image: string | null}} DeskClass */

/**
 * Everything Python sends.
 * @typedef {object} DeskData
 * @property {string} account reader and dataset
 * @property {number} n_items
 * @property {string} queue
 * @property {number} place where the queue is opened
 * @property {boolean} is_blind
 * @property {boolean} may_confirm
 * @property {boolean} hides_others
 * @property {boolean} has_sets whether samples carry any number of labels; the last class is none
 * @property {Item[]} items
 * @property {DeskClass[]} classes
 * @property {Record<string, string>} images
 * @property {Record<string, string>} saved
 * @property {Record<string, string>} refused
 * @property {string} trouble
 */

/**
 * What Streamlit calls the desk with.
 * @typedef {object} DeskComponent
 * @property {DeskData} data
 * @property {HTMLElement} parentElement
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */

const RESEND = 4000; // ms after which an unanswered decision is sent again
/** @type {Record<string, string>} */
const FIXED = { k: "keep", f: "flag", s: "skip", y: "confirm", x: "reject", z: "undo" };
/** @type {Record<string, string>} */
const TITLES = {
  keep: "Keep",
  flag: "Second reader",
  skip: "Skip",
  confirm: "Confirm",
  reject: "Reject",
  undo: "Undo",
};
/** @type {Record<string, number>} */
const STEPS = { n: 1, ArrowRight: 1, p: -1, ArrowLeft: -1 };
const TYPED_IN =
  "input:not([type=checkbox], [type=radio], [type=button], [type=range]), textarea, select, " +
  "[contenteditable=true], [role=combobox]";
const MOVED_BY_ARROWS =
  "[role=slider], [role=radio], [role=tab], [type=range], [type=radio], canvas";
const MOST_IMAGES = 600;
const CLASS_TITLE = "The class is… (each with the image at its heart)";
const SETS_TITLE = "The labels are… (a key adds or removes one, Enter saves)";
const NEXT = [1, 2, 3]; // whose originals are fetched before they are needed
const CONFIDENCES = ["How sure?", "1 a guess", "2 unsure", "3 fairly sure", "4 sure", "5 certain"];
/** @type {WeakMap<HTMLElement, Desk>} */
const desks = new WeakMap();

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
 * Whether a key is for what has the focus: any key in a text field, an arrow on what it moves.
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
function isForTheField(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (target.matches(TYPED_IN)) return true;
  return event.key.startsWith("Arrow") && target.matches(MOVED_BY_ARROWS);
}

/**
 * Whether a key presses a button by itself.
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
function isOnButton(event) {
  const target = event.composedPath()[0];
  return target instanceof Element && target.matches("button, a, summary, [role=button]");
}

/**
 * The field that takes the keys now, "" where none does.
 * @param {Event} event of the focus
 * @returns {string}
 */
function fieldName(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element) || !target.matches(TYPED_IN)) return "";
  return target.getAttribute("aria-label") || "a text field";
}

/**
 * @param {string} source
 * @param {string} alt
 * @returns {HTMLImageElement}
 */
function picture(source, alt) {
  const image = make("img");
  Object.assign(image, { src: source, alt, decoding: "sync", draggable: false });
  return image;
}

/** Decisions the server has not answered yet; the browser keeps them from one page to the next. */
class Undelivered {
  /** @param {string} account */
  constructor(account) {
    this.account = account;
    this.wishes = this.kept();
  }

  /**
   * What an earlier page of this reader could not save; nothing where the browser keeps nothing.
   * @returns {Wish[]}
   */
  kept() {
    try {
      return JSON.parse(localStorage.getItem(this.account) ?? "null") || [];
    } catch {
      return [];
    }
  }

  keep() {
    try {
      if (this.wishes.length) localStorage.setItem(this.account, JSON.stringify(this.wishes));
      else localStorage.removeItem(this.account);
    } catch {
      // A browser that keeps nothing still sends what it has.
    }
  }

  /** @param {Wish} wish */
  add(wish) {
    this.wishes.push(wish);
    this.keep();
  }

  /**
   * Let go of what was answered; returns the answers in the order of the decisions.
   * @param {Answers} answers
   * @returns {Answer[]}
   */
  take({ saved, refused }) {
    const answers = this.wishes
      .filter(({ token }) => token in saved || token in refused)
      .map((wish) => {
        const isRefused = wish.token in refused;
        return { wish, isRefused, text: (isRefused ? refused : saved)[wish.token] };
      });
    this.wishes = this.wishes.filter(({ token }) => !(token in saved) && !(token in refused));
    if (answers.length) this.keep();
    return answers;
  }
}

class Desk {
  /** @type {Record<"head" | "view" | "classes" | "why" | "near" | "bar" | "said", HTMLElement>} */
  parts;
  /** @type {ViewerImage} */
  viewer;
  /** @type {HTMLElement} */
  buttons;
  /** @type {HTMLInputElement} */
  reason;
  /** @type {HTMLSelectElement} */
  confidence;
  /** @type {DeskData} */
  data;
  /** @type {DeskComponent["setTriggerValue"]} */
  send;
  /** @type {number} */
  place;
  /** @type {{place: number, labels: Set<string>} | null} */
  draft; // labels that are not saved yet
  /** @type {Undelivered} */
  pending;
  /** @type {{text: string, bad?: boolean} | null} */
  note;
  /** @type {number | undefined} */
  timer;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Map<number, Item>} */
    this.items = new Map(); // by place
    /** @type {Map<string, string>} */
    this.images = new Map();
    /** @type {Map<number, string>} */
    this.mine = new Map(); // index: what was decided in this queue
    /** @type {Map<number, string>} */
    this.before = new Map(); // the same, in the queues before
    /** @type {number[]} */
    this.trail = []; // places decided on, latest last
    this.draft = null;
    this.build();
    this.field = ""; // what takes the keys instead of the desk
    this.press = this.press.bind(this);
    this.follow = this.follow.bind(this);
    document.addEventListener("keydown", this.press);
    // A focus that moves inside the desk is not told outside it.
    for (const place of [document, root]) {
      place.addEventListener("focusin", this.follow);
      place.addEventListener("focusout", this.follow);
    }
    this.clock = setInterval(() => this.pending?.wishes.length && this.report(), RESEND);
  }

  destroy() {
    document.removeEventListener("keydown", this.press);
    document.removeEventListener("focusin", this.follow);
    document.removeEventListener("focusout", this.follow);
    clearInterval(this.clock);
    clearTimeout(this.timer);
  }

  build() {
    this.parts = {
      head: make("div", "head"),
      view: make("div", "view"),
      classes: make("div", "classes"),
      why: make("div", "why"),
      near: make("div", "near"),
      bar: make("div", "bar"),
      said: make("div", "said"),
    };
    this.parts.said.setAttribute("role", "status");
    this.reason = make("input");
    Object.assign(this.reason, {
      type: "text",
      placeholder: "Reason, optional (W)",
      maxLength: 2000,
    });
    this.reason.setAttribute("aria-label", "Reason");
    this.reason.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") this.reason.blur();
    });
    this.confidence = make("select");
    this.confidence.setAttribute("aria-label", "How sure are you?");
    this.confidence.append(
      ...CONFIDENCES.map((text, value) =>
        Object.assign(make("option", "", text), { value: String(value) }),
      ),
    );
    this.confidence.addEventListener("change", () => this.confidence.blur());
    this.buttons = make("div", "buttons");
    this.parts.bar.append(this.buttons, this.reason, this.confidence);
    this.viewer = new ViewerImage("E");
    this.parts.view.append(this.viewer.root);
    const table = make("div", "table");
    const { head, view, classes, why, near, bar, said } = this.parts;
    table.append(head, view, classes, why, near);
    const foot = make("div", "foot"); // stays on the screen, however low that is
    foot.append(bar, said);
    this.root.tabIndex = -1;
    this.root.replaceChildren(table, foot);
  }

  // --- what Python says -------------------------------------------------------------------

  /** @param {DeskComponent} component */
  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    const isOther = this.data?.account !== data.account;
    const isNew = isOther || this.data?.queue !== data.queue;
    this.data = data;
    if (isOther) this.begin();
    if (isNew) this.open();
    for (const item of data.items) this.items.set(item.place, item);
    if (this.images.size > MOST_IMAGES) this.images.clear();
    for (const [name, source] of Object.entries(data.images)) {
      if (this.images.has(name)) continue;
      this.images.set(name, source);
      if (source.startsWith("data:")) picture(source, ""); // decoded before it is needed
    }
    this.answer();
    this.draw();
  }

  /** Another reader: nothing of what the one before decided is theirs. */
  begin() {
    this.pending = new Undelivered(this.data.account);
    this.mine.clear();
    this.before.clear();
  }

  /** Another queue, or the first one: what is not saved yet comes first. */
  open() {
    for (const [index, text] of this.mine) this.before.set(index, text);
    this.mine.clear();
    this.items.clear();
    this.images.clear();
    this.trail = [];
    this.draft = null;
    this.place = this.data.place;
    for (const wish of this.pending.wishes) delete wish.place; // it was one in another queue
    if (this.pending.wishes.length) this.report();
    this.takeKeys();
  }

  /** Reader, queue or view were chosen: the next key is a decision, not a letter in a box. */
  takeKeys() {
    this.root.focus({ preventScroll: true });
  }

  /** A refused decision is as good as not made: back to its place. */
  answer() {
    for (const { wish, text, isRefused } of this.pending.take(this.data)) {
      this.note = { text, bad: isRefused };
      if (!isRefused) continue;
      this.mine.delete(wish.index);
      if (wish.place !== undefined) this.place = wish.place;
    }
  }

  // --- what the reader does ---------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isForTheField(event)) {
      this.leave(event);
      return;
    }
    if (document.querySelector('[role="dialog"]')) return;
    if (!this.root.isConnected || !this.data) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const klass = this.data.classes.find((each) => each.key === key);
    if (key in STEPS) this.step(STEPS[key]);
    else if (key === "w") this.reason.focus();
    else if (key === "e") this.viewer.toggle();
    else if (key in FIXED) this.decide(FIXED[key]);
    else if (klass) this.choose(klass.name);
    else if (key === "Enter" && this.data.has_sets && !isOnButton(event)) this.saveLabels();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * Escape leads from a field to the desk, unless it closes a list first.
   * @param {KeyboardEvent} event
   */
  leave(event) {
    const target = /** @type {Element} */ (event.composedPath()[0]);
    if (event.key === "Escape" && target.getAttribute("aria-expanded") !== "true") this.takeKeys();
  }

  /**
   * Say where the keys go while they do not go to the desk.
   * @param {Event} event
   */
  follow(event) {
    this.field = event.type === "focusin" ? fieldName(event) : "";
    if (this.data) this.drawSaid();
  }

  /** @param {number} by */
  step(by) {
    const next = Math.min(Math.max(this.place + by, 0), this.data.n_items);
    if (next === this.place) return;
    this.place = next;
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.report(), 60);
  }

  /**
   * Why something cannot be decided here; empty where it can.
   * @param {string} action
   * @returns {string}
   */
  reasonAgainst(action) {
    if (action === "undo") return "";
    const item = this.items.get(this.place);
    if (!item) return "There is no image to decide on yet.";
    if (action === "keep") {
      return this.data.is_blind ? "Blind reading: name the class you see." : "";
    }
    const isOnAnother = action === "confirm" || action === "reject";
    if (!isOnAnother || (this.data.may_confirm && item.proposal !== null)) return "";
    return this.data.hides_others
      ? "Other readers' answers are hidden: name the class you see."
      : "Nobody else has decided here.";
  }

  /**
   * @param {string} action
   * @param {string | null} [label]
   */
  decide(action, label = null) {
    const reason = this.reasonAgainst(action);
    if (reason) {
      this.note = { bad: true, text: reason };
      this.draw();
      return;
    }
    const item = this.items.get(this.place);
    this.pending.add(this.wish(action, label, item));
    this.draft = null;
    if (item && action !== "undo") this.goOn(item, label?.replaceAll("|", " + ") ?? TITLES[action]);
    else this.goBack();
    this.note = null;
    this.draw();
    this.report();
  }

  /**
   * @param {string} action
   * @param {string | null} label
   * @param {Item} [item]
   * @returns {Wish}
   */
  wish(action, label, item) {
    const isOnAnother = action === "confirm" || action === "reject";
    const isUndo = action === "undo" || !item;
    return {
      token: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`,
      action,
      index: isUndo ? -1 : item.index,
      label,
      target: item && isOnAnother ? item.proposal : null,
      seen: isUndo ? 0 : item.seen,
      reason: this.reason.value.trim(),
      confidence: Number(this.confidence.value) || null,
      place: this.place,
    };
  }

  /**
   * @param {Item} item
   * @param {string} text
   */
  goOn(item, text) {
    this.mine.set(item.index, text);
    this.trail.push(this.place);
    this.reason.value = "";
    this.confidence.value = "0";
    this.place = Math.min(this.place + 1, this.data.n_items);
  }

  goBack() {
    this.place = this.trail.pop() ?? this.place;
    const item = this.items.get(this.place);
    if (item) this.mine.delete(item.index);
  }

  report() {
    this.send?.("report", { place: this.place, wishes: this.pending.wishes });
  }

  // --- what is on the screen --------------------------------------------------------------

  /**
   * @param {string | null | undefined} name
   * @returns {string | undefined}
   */
  image(name) {
    return name ? this.images.get(name) : undefined;
  }

  draw() {
    const item = this.items.get(this.place);
    const isEnd = this.place >= this.data.n_items;
    this.drawHead(item, isEnd);
    const source = this.image(item?.image);
    const text = isEnd
      ? "End of the queue. P goes back; choose another queue above."
      : item
        ? "No image"
        : "Loading…";
    this.viewer.show(
      source
        ? { network: source, original: item?.original ?? "", alt: `Sample ${item?.name}` }
        : null,
      source ? "" : text,
    );
    this.viewer.expect(NEXT.map((by) => this.items.get(this.place + by)?.original ?? ""));
    this.drawClasses(item);
    this.drawNear(item);
    this.drawBar();
    this.drawSaid();
    this.root.dataset.place = String(this.place);
    this.root.dataset.pending = String(this.pending.wishes.length);
  }

  /**
   * Where a sample stands. What all readers said, if it may be told, goes before what one said
   * oneself in a queue before: a key may settle it.
   * @param {Item} item
   */
  standing(item) {
    const [mine, before] = [this.mine.get(item.index), this.before.get(item.index)];
    if (mine) return `you: ${mine}`;
    return item.status || (before ? `you: ${before}` : "");
  }

  /**
   * @param {Item | undefined} item
   * @param {boolean} isEnd
   */
  drawHead(item, isEnd) {
    const place = isEnd
      ? `all ${this.data.n_items} seen`
      : `${this.place + 1} of ${this.data.n_items}`;
    const nodes = [make("span", "name", item?.name ?? ""), make("span", "place", place)];
    const state = item ? this.standing(item) : "";
    if (state) nodes.push(make("span", "state", state));
    const facts = make("div", "facts");
    if (item && this.data.is_blind) {
      facts.append("Blind: label and prediction are hidden until you decide.");
    } else if (item) {
      facts.append(
        "Label ",
        make("b", "", item.label),
        " · the network says ",
        make("b", "", item.prediction || "nothing"),
      );
    }
    nodes.push(facts);
    this.parts.head.replaceChildren(...nodes);
    const reasons = make("ul");
    reasons.append(...(item?.reasons ?? []).map((reason) => make("li", "", reason)));
    this.parts.why.replaceChildren(reasons);
  }

  /** @param {Item | undefined} item */
  drawClasses(item) {
    const sets = this.data.has_sets;
    const title = make("h4", "", sets ? SETS_TITLE : CLASS_TITLE);
    const labels = this.drafted();
    const buttons = this.data.classes.map(({ name, key, image }, number) => {
      const isNone = sets && number === this.data.classes.length - 1;
      const isOn = sets ? (isNone ? !labels.size : labels.has(name)) : item?.label === name;
      const button = make("button", item && isOn ? "is-given" : "");
      if (sets) button.setAttribute("aria-pressed", String(isOn));
      button.type = "button";
      button.disabled = !item;
      const source = this.image(image);
      if (source) button.append(picture(source, ""));
      button.append(make("span", "title", name));
      if (key) button.append(make("kbd", "", key.toUpperCase()));
      button.addEventListener("click", () => this.choose(name));
      return button;
    });
    this.parts.classes.replaceChildren(title, ...buttons);
  }

  /** @param {Item | undefined} item */
  drawNear(item) {
    const list = make("ul");
    for (const [image, label] of item?.neighbours ?? []) {
      const tile = make("li");
      const source = this.image(image);
      const alt = label ? `Neighbour labelled ${label}` : "Neighbour";
      if (source) tile.append(picture(source, alt));
      tile.append(label);
      list.append(tile);
    }
    const title = make("h4", "", list.children.length ? this.nearTitle() : "");
    this.parts.near.replaceChildren(title, list);
  }

  /**
   * Name the class; of samples with any number of labels, add or remove one of them.
   * @param {string} name
   */
  choose(name) {
    if (!this.data.has_sets) {
      this.decide("relabel", name);
      return;
    }
    const labels = this.drafted();
    if (name === this.data.classes.at(-1)?.name) labels.clear();
    else if (!labels.delete(name)) labels.add(name);
    this.draft = { place: this.place, labels };
    this.draw();
  }

  /**
   * The labels as they would be saved: those of the sample until one is added or removed.
   * @returns {Set<string>}
   */
  drafted() {
    if (this.draft?.place === this.place) return this.draft.labels;
    return new Set(this.items.get(this.place)?.labels);
  }

  saveLabels() {
    if (this.data.is_blind && this.draft?.place !== this.place) {
      this.note = { bad: true, text: "Blind reading: choose the labels you see, or none of them." };
      this.draw();
      return;
    }
    const labels = this.drafted();
    const names = this.data.classes.map(({ name }) => name);
    const text = names.filter((name) => labels.has(name)).join("|") || names.at(-1);
    this.decide("relabel", text);
  }

  /** @returns {string} */
  nearTitle() {
    return `Most alike to the network${this.data.is_blind ? "" : ", with their labels"}`;
  }

  drawBar() {
    const actions = Object.entries(FIXED).filter(
      ([, action]) => this.data.may_confirm || !["confirm", "reject"].includes(action),
    );
    const buttons = actions.map(([key, action]) =>
      this.button(
        TITLES[action],
        key.toUpperCase(),
        () => this.decide(action),
        this.reasonAgainst(action),
      ),
    );
    const steps = [
      this.button("Previous", "P", () => this.step(-1)),
      this.button("Next", "N", () => this.step(1)),
    ];
    const save = this.data.has_sets
      ? [this.button("Save labels", "Enter", () => this.saveLabels())]
      : [];
    this.buttons.replaceChildren(...save, ...buttons, ...steps);
  }

  /**
   * @param {string} title
   * @param {string} key
   * @param {() => void} act
   * @param {string} [reason] why it cannot be pressed now
   * @returns {HTMLButtonElement}
   */
  button(title, key, act, reason = "") {
    const button = make("button", "", title);
    button.type = "button";
    if (reason) {
      button.setAttribute("aria-disabled", "true");
      button.title = reason;
    }
    button.append(make("kbd", "", key));
    button.addEventListener("click", act);
    return button;
  }

  drawSaid() {
    const waiting = this.pending.wishes.length;
    const trouble = this.data.trouble;
    const node =
      trouble && waiting
        ? make("span", "bad", `${waiting} not saved yet: ${trouble}`)
        : waiting
          ? make("span", "ok", `Saving ${waiting}…`)
          : make("span", this.note?.bad ? "bad" : "ok", this.note?.text ?? "");
    this.parts.said.replaceChildren(node);
    if (!this.field) return;
    const where = `Keys go to “${this.field}” now. Esc, or a click on the image, brings them here.`;
    this.parts.said.append(make("span", "keys", where));
  }
}

/**
 * @param {DeskComponent} component
 * @returns {(() => void) | undefined}
 */
export default function mount(component) {
  const { parentElement, data } = component;
  const root = /** @type {HTMLElement | null} */ (parentElement.querySelector(".desk"));
  if (!root || !data) return undefined;
  const desk = desks.get(root) ?? new Desk(root);
  desks.set(root, desk);
  desk.update(component);
  return () => {
    if (root.isConnected) return;
    desks.get(root)?.destroy();
    desks.delete(root);
  };
}
