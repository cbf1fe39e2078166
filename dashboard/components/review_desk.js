// The reviewer's desk. A decision moves on at once, from images that are here already; it is sent
// with all others that the server has not answered yet, until it has.

const RESEND = 4000; // ms after which an unanswered decision is sent again
const FIXED = { k: "keep", f: "flag", s: "skip", y: "confirm", x: "reject", z: "undo" };
const TITLES = {
  keep: "Keep",
  flag: "Second reader",
  skip: "Skip",
  confirm: "Confirm",
  reject: "Reject",
  undo: "Undo",
};
const STEPS = { n: 1, ArrowRight: 1, p: -1, ArrowLeft: -1 };
const MOST_IMAGES = 600;
const CONFIDENCES = ["How sure?", "1 a guess", "2 unsure", "3 fairly sure", "4 sure", "5 certain"];
const desks = new WeakMap();

function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function picture(source, alt) {
  const image = make("img");
  Object.assign(image, { src: source, alt, decoding: "sync", draggable: false });
  return image;
}

class Desk {
  constructor(root) {
    this.root = root;
    this.items = new Map(); // place: item
    this.images = new Map();
    this.mine = new Map(); // index: what was decided here
    this.trail = []; // places decided on, latest last
    this.pending = [];
    this.build();
    this.press = this.press.bind(this);
    document.addEventListener("keydown", this.press);
    this.clock = setInterval(() => this.pending.length && this.report(), RESEND);
  }

  destroy() {
    document.removeEventListener("keydown", this.press);
    clearInterval(this.clock);
    clearTimeout(this.timer);
  }

  build() {
    this.parts = {};
    for (const name of ["head", "view", "classes", "why", "near", "bar", "said"]) {
      this.parts[name] = make("div", name);
    }
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
      ...CONFIDENCES.map((text, value) => Object.assign(make("option", "", text), { value })),
    );
    this.confidence.addEventListener("change", () => this.confidence.blur());
    this.buttons = make("div", "buttons");
    this.parts.bar.append(this.buttons, this.reason, this.confidence);
    const table = make("div", "table");
    table.append(...Object.values(this.parts));
    this.root.replaceChildren(table);
  }

  // --- what Python says -------------------------------------------------------------------

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    const isOther = this.data?.account !== data.account;
    const isNew = isOther || this.data?.queue !== data.queue;
    this.data = data;
    if (isOther) this.pending = this.kept();
    if (isNew) this.open();
    for (const item of data.items) this.items.set(item.place, item);
    if (this.images.size > MOST_IMAGES) this.images.clear();
    for (const [name, source] of Object.entries(data.images)) {
      if (this.images.has(name)) continue;
      this.images.set(name, source);
      picture(source, ""); // decoded before it is needed
    }
    this.answer();
    this.draw();
  }

  /** Another queue, or the first one: what is not saved yet comes first. */
  open() {
    this.items.clear();
    this.images.clear();
    this.trail = [];
    this.place = this.data.place;
    for (const wish of this.pending) delete wish.place; // it was one in another queue
    if (this.pending.length) this.report();
  }

  /** What an earlier page of this reader could not save; nothing where the browser keeps nothing. */
  kept() {
    try {
      return JSON.parse(localStorage.getItem(this.data.account)) || [];
    } catch {
      return [];
    }
  }

  answer() {
    const { saved, refused } = this.data;
    const before = this.pending.length;
    for (const wish of this.pending) {
      if (wish.token in refused) {
        this.mine.delete(wish.index);
        this.note = { bad: true, text: refused[wish.token] };
        if (wish.place !== undefined) this.place = wish.place;
      } else if (wish.token in saved) this.note = { text: saved[wish.token] };
    }
    this.pending = this.pending.filter(({ token }) => !(token in saved) && !(token in refused));
    if (before !== this.pending.length) this.keep();
  }

  keep() {
    try {
      if (this.pending.length)
        localStorage.setItem(this.data.account, JSON.stringify(this.pending));
      else localStorage.removeItem(this.data.account);
    } catch {
      // A browser that keeps nothing still sends what it has.
    }
  }

  // --- what the reader does ---------------------------------------------------------------

  press(event) {
    const target = event.composedPath()[0];
    const isTyping = target.matches?.(
      "input, textarea, select, [contenteditable=true], [role=slider], [role=combobox]",
    );
    if (
      isTyping ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      document.querySelector('[role="dialog"]')
    )
      return;
    if (!this.root.isConnected || !this.data) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const klass = this.data.classes.find((each) => each.key === key);
    if (key in STEPS) this.step(STEPS[key]);
    else if (key === "w") this.reason.focus();
    else if (key in FIXED) this.decide(FIXED[key]);
    else if (klass) this.decide("relabel", klass.name);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  step(by) {
    const next = Math.min(Math.max(this.place + by, 0), this.data.n_items);
    if (next === this.place) return;
    this.place = next;
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.report(), 60);
  }

  allowed(action) {
    const item = this.items.get(this.place);
    if (action === "undo") return true;
    if (!item) return false;
    if (action === "keep") return !this.data.is_blind;
    if (action === "confirm" || action === "reject")
      return this.data.may_confirm && item.proposal !== null;
    return true;
  }

  decide(action, label = null) {
    if (!this.allowed(action)) {
      const isThere = this.items.has(this.place);
      const isBlind = isThere && action === "keep";
      this.note = {
        bad: true,
        text: isBlind
          ? "Blind reading: name the class you see."
          : isThere
            ? "Nobody else has decided here."
            : "There is no image to decide on yet.",
      };
      this.draw();
      return;
    }
    const item = this.items.get(this.place);
    const isUndo = action === "undo";
    const wish = {
      token: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`,
      action,
      index: isUndo ? -1 : item.index,
      label,
      target: action === "confirm" || action === "reject" ? item.proposal : null,
      seen: isUndo ? 0 : item.seen,
      reason: this.reason.value.trim(),
      confidence: Number(this.confidence.value) || null,
      place: this.place,
    };
    this.pending.push(wish);
    this.keep();
    if (isUndo) {
      this.place = this.trail.pop() ?? this.place;
      this.mine.delete(this.items.get(this.place)?.index);
    } else {
      this.mine.set(item.index, label ?? TITLES[action]);
      this.trail.push(this.place);
      this.reason.value = "";
      this.confidence.value = 0;
      this.place = Math.min(this.place + 1, this.data.n_items);
    }
    this.note = null;
    this.draw();
    this.report();
  }

  report() {
    this.send?.("report", { place: this.place, wishes: this.pending });
  }

  // --- what is on the screen --------------------------------------------------------------

  draw() {
    const item = this.items.get(this.place);
    const isEnd = this.place >= this.data.n_items;
    this.drawHead(item, isEnd);
    const source = item && this.images.get(item.image);
    const text = isEnd
      ? "End of the queue. P goes back; choose another queue above."
      : item
        ? "No image"
        : "Loading…";
    this.parts.view.replaceChildren(
      source ? picture(source, `Sample ${item.name}`) : make("div", "none", text),
    );
    this.drawClasses(item);
    this.drawNear(item);
    this.drawBar();
    this.drawSaid();
    this.root.dataset.place = this.place;
    this.root.dataset.pending = this.pending.length;
  }

  drawHead(item, isEnd) {
    const place = isEnd
      ? `all ${this.data.n_items} seen`
      : `${this.place + 1} of ${this.data.n_items}`;
    const nodes = [make("span", "name", item?.name ?? ""), make("span", "place", place)];
    const mine = item && this.mine.get(item.index);
    if (mine || item?.status)
      nodes.push(make("span", "state", mine ? `you: ${mine}` : item.status));
    const facts = make("div", "facts");
    if (item && this.data.is_blind)
      facts.append("Blind: label and prediction are hidden until you decide.");
    else if (item) {
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

  drawClasses(item) {
    const title = make("h4", "", "The class is… (each with the image at its heart)");
    const buttons = this.data.classes.map(({ name, key, image }) => {
      const button = make("button", item && item.label === name ? "is-given" : "");
      button.type = "button";
      button.disabled = !item;
      if (this.images.has(image)) button.append(picture(this.images.get(image), ""));
      button.append(make("span", "title", name));
      if (key) button.append(make("kbd", "", key.toUpperCase()));
      button.addEventListener("click", () => this.decide("relabel", name));
      return button;
    });
    this.parts.classes.replaceChildren(title, ...buttons);
  }

  drawNear(item) {
    const list = make("ul");
    for (const [image, label] of item?.neighbours ?? []) {
      const tile = make("li");
      if (this.images.has(image))
        tile.append(picture(this.images.get(image), `Neighbour labelled ${label}`));
      tile.append(label);
      list.append(tile);
    }
    const title = make(
      "h4",
      "",
      list.children.length ? "Most alike to the network, with their labels" : "",
    );
    this.parts.near.replaceChildren(title, list);
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
        !this.allowed(action),
      ),
    );
    const steps = [
      this.button("Previous", "P", () => this.step(-1)),
      this.button("Next", "N", () => this.step(1)),
    ];
    this.buttons.replaceChildren(...buttons, ...steps);
  }

  button(title, key, act, isOff = false) {
    const button = make("button", "", title);
    Object.assign(button, { type: "button", disabled: isOff });
    button.append(make("kbd", "", key));
    button.addEventListener("click", act);
    return button;
  }

  drawSaid() {
    const waiting = this.pending.length;
    const trouble = this.data.trouble;
    const node =
      trouble && waiting
        ? make("span", "bad", `${waiting} not saved yet: ${trouble}`)
        : waiting
          ? make("span", "ok", `Saving ${waiting}…`)
          : make("span", this.note?.bad ? "bad" : "ok", this.note?.text ?? "");
    this.parts.said.replaceChildren(node);
  }
}

export default function mount(component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".desk");
  if (!root || !data) return undefined;
  if (!desks.has(root)) desks.set(root, new Desk(root));
  desks.get(root).update(component);
  return () => {
    if (root.isConnected) return;
    desks.get(root)?.destroy();
    desks.delete(root);
  };
}
