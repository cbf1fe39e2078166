// One image for a person to judge: its original at the size of the screen, through a window of
// grey values, or on request the few pixels that the network sees.

class ViewerImage {
  /** @type {Record<"root" | "stage" | "words" | "tools" | "note", HTMLElement>} */
  parts;
  /** @type {HTMLImageElement} */
  image;
  /** @type {Record<"network" | "reset", HTMLButtonElement>} */
  buttons;
  /** @type {{label: HTMLElement, title: HTMLElement, input: HTMLInputElement}[]} */
  sliders;

  /**
   * @param {string} [key] that shows what the network sees
   * @param {ViewerShelf} [shelf]
   */
  constructor(key = "", shelf = new ViewerShelf()) {
    this.key = key;
    this.shelf = shelf;
    /** @type {ViewedImage | null} */
    this.viewed = null;
    /** @type {ReadOriginal | null} */
    this.read = null;
    /** @type {GreySpan | null} */
    this.grey = null; // null: as the file says
    this.asNetwork = false;
    this.isAsking = false;
    this.build();
  }

  build() {
    const [root, stage, words, tools, note] = ["viewer", "stage", "words", "tools", "note"].map(
      (className) => Object.assign(document.createElement("div"), { className }),
    );
    this.parts = { root, stage, words, tools, note };
    this.image = Object.assign(document.createElement("img"), { draggable: false });
    stage.append(this.image, words);
    this.sliders = [this.slider(), this.slider()];
    this.buttons = {
      network: this.button("As the network sees it", () => this.toggle()),
      reset: this.button("Reset", () => this.see(null)),
    };
    if (this.key) {
      const key = Object.assign(document.createElement("kbd"), { textContent: this.key });
      this.buttons.network.append(" ", key);
    }
    tools.append(...this.sliders.map(({ label }) => label), ...Object.values(this.buttons));
    note.setAttribute("role", "status");
    root.append(stage, tools, note);
    stage.addEventListener("pointerdown", (event) => this.drag(event));
    stage.addEventListener("dblclick", () => this.read?.facts && this.see(null));
  }

  /**
   * @param {string} title
   * @param {() => void} act
   */
  button(title, act) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.textContent = title;
    button.addEventListener("click", act);
    return button;
  }

  slider() {
    const label = document.createElement("label");
    const title = document.createElement("span");
    const input = Object.assign(document.createElement("input"), { type: "range" });
    input.addEventListener("input", () => {
      const values = this.sliders.map((each) => Number(each.input.value));
      if (this.read?.facts) this.see(viewerSpan(this.read.facts, values[0], values[1]));
    });
    label.append(title, input);
    return { label, title, input };
  }

  /**
   * Show an image; another one begins with the window of its own file.
   * @param {ViewedImage | null} viewed
   * @param {string} [words] what stands there instead of an image
   */
  show(viewed, words = "") {
    this.parts.words.textContent = words;
    const isSame =
      viewed?.network === this.viewed?.network && viewed?.original === this.viewed?.original;
    this.viewed = viewed;
    if (isSame && viewed) {
      this.image.alt = viewed.alt;
      return;
    }
    this.grey = null;
    this.read = null;
    if (viewed?.original) this.ask();
    this.draw();
  }

  /**
   * Read originals before they are needed.
   * @param {string[]} addresses
   */
  expect(addresses) {
    if (!this.asNetwork) addresses.filter(Boolean).forEach((each) => void this.shelf.read(each));
  }

  get root() {
    return this.parts.root;
  }

  toggle() {
    this.asNetwork = !this.asNetwork;
    this.draw();
  }

  /**
   * See the original through another window; null for its own.
   * @param {GreySpan | null} grey
   */
  see(grey) {
    this.grey = grey;
    this.drawTools();
    this.ask();
  }

  /** Ask for what shall be seen; while one answer is awaited, only the latest wish counts. */
  async ask() {
    if (this.isAsking || !this.viewed?.original) return;
    this.isAsking = true;
    const address = viewerAddress(this.viewed.original, this.grey);
    const original = this.viewed.original;
    const read = await this.shelf.read(address);
    this.isAsking = false;
    if (this.viewed?.original === original) {
      this.read = read;
      this.draw();
    }
    if (this.viewed?.original && viewerAddress(this.viewed.original, this.grey) !== address) {
      await this.ask();
    }
  }

  draw() {
    const { viewed, read } = this;
    const isWaiting = !!viewed?.original && !read && !this.asNetwork;
    const source = this.asNetwork || read?.trouble || !viewed?.original ? viewed?.network : "";
    const shown = source || read?.source || "";
    if (shown) this.image.src = shown;
    this.image.alt = viewed?.alt ?? "";
    this.image.hidden = !shown;
    this.image.classList.toggle("is-network", !!source);
    this.parts.stage.classList.toggle("is-waiting", isWaiting);
    this.parts.note.textContent = read?.trouble && !this.asNetwork ? read.trouble : "";
    this.drawTools();
  }

  drawTools() {
    const { viewed, read } = this;
    const facts = this.asNetwork ? null : (read?.facts ?? null);
    this.parts.tools.hidden = !viewed?.original || !!read?.trouble;
    this.buttons.network.setAttribute("aria-pressed", String(this.asNetwork));
    this.buttons.reset.hidden = !facts || !this.grey;
    this.parts.stage.classList.toggle("has-window", !!facts);
    this.parts.stage.title = facts
      ? `${facts.width} × ${facts.height} pixels. Drag sideways or up and down for the window; ` +
        "double-click for the file's own."
      : "";
    const controls = facts ? viewerControls(facts, this.grey ?? facts) : [];
    this.sliders.forEach(({ label, title, input }, number) => {
      label.hidden = !controls[number];
      if (!controls[number]) return;
      const { title: name, min, max, step, value } = controls[number];
      Object.assign(input, { min: String(min), max: String(max), step: String(step) });
      input.value = String(value);
      title.textContent = `${name} ${Number(value.toPrecision(4))}`;
    });
  }

  /**
   * Drag on the image: sideways the width or contrast, upwards the level or brightness.
   * @param {PointerEvent} event
   */
  drag(event) {
    const facts = this.read?.facts;
    if (!facts || this.asNetwork || event.pointerType !== "mouse" || event.button !== 0) return;
    const [first, second] = viewerControls(facts, this.grey ?? facts);
    const move = (/** @type {PointerEvent} */ now) => {
      const right = viewerDragged(second, now.clientX - event.clientX);
      const up = viewerDragged(first, event.clientY - now.clientY);
      this.see(viewerSpan(facts, up, right));
    };
    this.parts.stage.setPointerCapture(event.pointerId);
    this.parts.stage.addEventListener("pointermove", move);
    const stop = () => this.parts.stage.removeEventListener("pointermove", move);
    this.parts.stage.addEventListener("lostpointercapture", stop, { once: true });
  }
}
