// Recordings under each other over one time: traces, gaps, marks, events; zoom, scroll, choose, correct.
// The server reduces a stretch to columns of lowest and highest samples (pyramid.py, answers.py).
const COLOURS = { trace: "#1f4e79", envelope: "#d9480f", grid: "#e3e7ec", text: "#364152", hole: "#f6d5d5",
                  unread: "#dfe3e8", event: "#e8a33d", label: "#8a4b00", chosen: "#c2255c", mark: "#2b8a3e", head: "#eef1f4" };
const AXIS = 18, HEAD = 18, LEAST_ROW = 26, OVERVIEW = 44; // px
const STEPS = [1, 2, 5];
const EDGE = 5; // px beside an event's end that take hold of it
const AGAIN_MS = 700; // until what is still being computed is asked for again

function nice(atLeast) {
  if (!(atLeast > 0)) return 1;
  const decade = 10 ** Math.floor(Math.log10(atLeast));
  for (const step of [...STEPS, 10]) if (step * decade >= atLeast * (1 - 1e-9)) return step * decade;
  return 10 * decade;
}

function clock(s, step) {
  const places = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step) - 1e-9));
  const sign = s < -1e-9 ? "−" : "", all = Math.abs(s);
  if (all < 60) return sign + all.toFixed(places) + " s";
  const tail = all % 60, whole = Math.floor(all / 60 + 1e-9);
  const seconds = Math.max(0, all - whole * 60).toFixed(places).padStart(places ? places + 3 : 2, "0");
  const minutes = whole % 60, hours = Math.floor(whole / 60);
  return sign + (hours ? `${hours}:${String(minutes).padStart(2, "0")}` : String(minutes)) + ":" + seconds;
}

function volts(value, unit) {
  const size = Math.abs(value);
  if (unit === "uV" && size >= 10000) return `${Number((value / 1000).toPrecision(5))} mV`.replace("-", "−");
  return `${Number(value.toPrecision(5))} ${unit === "uV" ? "µV" : unit || "(no unit)"}`.replace("-", "−");
}

// A body: length of the JSON in four bytes, the JSON, then planes of float32 and of flags.
async function fetched(url, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error((await answer.text()).trim() || answer.statusText);
  const body = await answer.arrayBuffer();
  const size = new DataView(body).getUint32(0, true);
  const said = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, size)));
  let at = 4 + size;
  const cells = said.channels.length * said.n;
  const plane = (kind, bytes) => { const made = new kind(body, at, cells); at += bytes * cells; return made; };
  said.low = plane(Float32Array, 4);
  said.high = plane(Float32Array, 4);
  said.level = said.hasEnvelope ? plane(Float32Array, 4) : null;
  said.holes = plane(Uint8Array, 1);
  return said;
}

export default {
  template: `
    <div style="display:flex;flex-direction:column;width:100%;height:100%;min-height:0">
      <canvas ref="overview" data-testid="overview" role="img" aria-label="the whole recording; click to go there"
              :style="{width: '100%', height: '${OVERVIEW}px', cursor: 'pointer', touchAction: 'none'}"></canvas>
      <div ref="box" style="flex:1;min-height:0;overflow-y:auto;overflow-x:hidden">
        <canvas ref="canvas" data-testid="traces" tabindex="0" role="img" aria-label="traces; arrows scroll, + and − zoom"
                style="width:100%;display:block;outline:none;touch-action:none"></canvas>
      </div>
      <div data-testid="readout" style="font-size:12px;height:18px;white-space:nowrap;overflow:hidden">{{ readout }}</div>
    </div>`,
  props: { files: Array, query: String, scale: Number, events: Array, chosen: Number, shown: Array },
  data() { return { readout: "" }; },
  watch: {
    query() { this.ask(); }, shown() { this.fit(); this.ask(); }, scale() { this.draw(); },
    events(now, old) {
      if (now.length > old.length) this.stretch = null;
      this.draw();
      this.drawOverview();
    },
    chosen() { this.draw(); },
  },
  mounted() {
    this.begin = Math.min(...this.files.map((one) => one.shift));
    this.end = Math.max(...this.files.map((one) => one.shift + one.seconds));
    if (!(this.end > this.begin)) this.end = this.begin + 1;
    this.view = [this.begin, Math.min(this.end, this.begin + 30)];
    this.found = this.files.map(() => null);
    this.whole = this.files.map(() => null);
    this.stretch = null;
    this.steps = 0;
    this.observer = new ResizeObserver(() => { this.fit(); this.ask(); this.askWhole(); });
    this.observer.observe(this.$refs.box);
    const canvas = this.$refs.canvas, strip = this.$refs.overview;
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("go", (event) => this.show(...event.detail));
    canvas.addEventListener("dblclick", (event) => this.addAt(event));
    for (const name of ["pointerdown", "pointermove"])
      strip.addEventListener(name, (event) => { if (event.buttons & 1) this.jump(event); });
    this.keys = (event) => this.key(event);
    window.addEventListener("keydown", this.keys);
  },
  unmounted() {
    this.observer.disconnect();
    window.removeEventListener("keydown", this.keys);
    clearTimeout(this.later);
  },
  methods: {
    // Asking.
    async ask() {
      if (this.isAsking) { this.isStale = true; return; }
      this.isAsking = true;
      clearTimeout(this.later);
      const began = this.asked ?? performance.now(), view = [...this.view];
      this.asked = null;
      try {
        const made = await Promise.all(this.files.map((one, i) => this.columns(i, view[0], view[1], this.wide())));
        this.found = made;
        this.problem = made.map((one) => one && one.problem).filter(Boolean).join("; ");
        const share = Math.min(1, ...made.filter(Boolean).map((one) => one.share));
        this.$emit("told", { view, share, eyes: made.map((one) => one && one.eye), problem: this.problem });
        if (share < 1) this.later = setTimeout(() => { this.ask(); this.askWhole(); }, AGAIN_MS);
      } catch (error) {
        this.$emit("told", { view, share: 1, eyes: [], problem: String(error.message || error) });
      }
      this.isAsking = false;
      this.draw();
      this.steps += 1;
      Object.assign(this.$refs.canvas.dataset, { steps: this.steps, ms: (performance.now() - began).toFixed(1),
                                                 begin: view[0], end: view[1] });
      if (this.isStale) { this.isStale = false; this.ask(); }
    },
    async columns(i, begin, end, n, query = this.query) {
      const file = this.files[i], channels = this.shown[i];
      if (!channels.length) return null;
      const url = `view/columns?file=${i}&begin=${begin - file.shift}&end=${end - file.shift}&n=${n}` +
                  `&channels=${channels.join(",")}${query}`;
      return fetched(url);
    },
    async askWhole() {
      const n = this.wide();
      const made = await Promise.all(this.files.map((one, i) => this.columns(i, this.begin, this.end, n, "")
        .catch(() => null)));
      this.whole = made;
      this.drawOverview();
      if (made.some((one) => one && one.share < 1) && this.steps && !this.isAgain) {
        this.isAgain = setTimeout(() => { this.isAgain = null; this.askWhole(); }, 2 * AGAIN_MS);
      }
    },
    wide() { return Math.max(100, Math.min(4000, this.$refs.canvas.clientWidth || 1000)); },
    // Moving about.
    show(begin, end) {
      const least = 4 / Math.max(...this.files.map((one) => one.rate)), most = this.end - this.begin;
      const span = Math.min(Math.max(end - begin, least), most);
      let from = (begin + end - span) / 2;
      from = Math.min(Math.max(from, this.begin), this.end - span);
      this.view = [from, from + span];
      this.asked ??= performance.now();
      this.draw();
      this.drawOverview();
      this.ask();
    },
    zoom(factor, about = (this.view[0] + this.view[1]) / 2) {
      const [a, b] = this.view, span = Math.min((b - a) * factor, this.end - this.begin);
      const share = (about - a) / (b - a);
      this.show(about - share * span, about + (1 - share) * span);
    },
    pan(share) {
      const by = share * (this.view[1] - this.view[0]);
      this.show(this.view[0] + by, this.view[1] + by);
    },
    span(seconds) {
      const middle = (this.view[0] + this.view[1]) / 2, half = (seconds || this.end - this.begin) / 2;
      this.show(middle - half, middle + half);
    },
    wheel(event) {
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        this.pan((event.deltaX || event.deltaY) / 800);
      } else {
        this.zoom(1.0015 ** event.deltaY, this.timeAt(event.offsetX));
      }
    },
    jump(event) {
      const share = event.offsetX / this.$refs.overview.clientWidth, half = (this.view[1] - this.view[0]) / 2;
      const at = this.begin + share * (this.end - this.begin);
      this.show(at - half, at + half);
    },
    key(event) {
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable) return;
      if (event.ctrlKey || event.metaKey) {
        if (event.key === "z") { this.$emit("edit", { what: "undo" }); event.preventDefault(); }
        return;
      }
      const acts = {
        ArrowRight: () => this.pan(0.25), ArrowLeft: () => this.pan(-0.25),
        PageDown: () => this.pan(1), PageUp: () => this.pan(-1),
        ArrowUp: () => this.zoom(0.5), ArrowDown: () => this.zoom(2),
        "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
        Home: () => this.show(this.begin, this.begin + this.view[1] - this.view[0]),
        End: () => this.show(this.end - this.view[1] + this.view[0], this.end),
        n: () => this.next(1), p: () => this.next(-1),
        Delete: () => this.edit({ what: "delete", id: this.chosen }),
        a: () => this.stretch && this.edit({ what: "add", ...this.stretch }),
      };
      if (!acts[event.key]) return;
      acts[event.key]();
      event.preventDefault();
    },
    next(way) {
      const sorted = [...this.events].sort((a, b) => this.at(a)[0] - this.at(b)[0]);
      if (!sorted.length) return;
      const now = sorted.findIndex((one) => one.id === this.chosen);
      const to = sorted[(now + way + sorted.length) % sorted.length] || sorted[0];
      this.$emit("edit", { what: "choose", id: to.id });
      const [a, b] = this.at(to), half = Math.max((this.view[1] - this.view[0]) / 2, b - a);
      if (a < this.view[0] || b > this.view[1]) this.show((a + b) / 2 - half, (a + b) / 2 + half);
    },
    at(one) {
      const shift = this.files[one.file].shift;
      return [one.begin + shift, one.end + shift];
    },
    edit(what) { if (what.id !== 0) this.$emit("edit", what); },
    // Pointer: an event is taken hold of, else the time is drawn along; with Shift a stretch is chosen.
    timeAt(x) { return this.view[0] + (x / this.$refs.canvas.clientWidth) * (this.view[1] - this.view[0]); },
    xOf(s) { return ((s - this.view[0]) / (this.view[1] - this.view[0])) * this.$refs.canvas.clientWidth; },
    rowAt(y) { return this.rows.find((row) => y >= row.top && y < row.top + row.height); },
    eventAt(x, y) {
      const row = this.rowAt(y);
      if (!row) return null;
      const near = this.events.filter((one) => one.file === row.file && (one.channel < 0 || one.channel === row.channel))
        .map((one) => ({ one, a: this.xOf(this.at(one)[0]), b: this.xOf(this.at(one)[1]) }))
        .filter(({ a, b }) => x >= a - EDGE && x <= b + EDGE);
      const hit = near.find(({ one }) => one.id === this.chosen) || near[near.length - 1];
      if (!hit) return null;
      const isNarrow = hit.b - hit.a < 3 * EDGE;
      const part = !isNarrow && x - hit.a <= EDGE ? "begin" : !isNarrow && hit.b - x <= EDGE ? "end" : "both";
      return { one: hit.one, part };
    },
    press(event) {
      if (event.button !== 0) return;
      this.$refs.canvas.focus({ preventScroll: true });
      this.$refs.canvas.setPointerCapture(event.pointerId);
      const x = event.offsetX, y = event.offsetY, row = this.rowAt(y);
      const hit = event.shiftKey ? null : this.eventAt(x, y);
      if (hit) {
        this.$emit("edit", { what: "choose", id: hit.one.id });
        this.held = { kind: "event", x, ...hit, begin: hit.one.begin, end: hit.one.end };
      } else if (event.shiftKey && row) {
        this.held = { kind: "stretch", from: this.timeAt(x), row };
      } else {
        this.held = { kind: "time", x, view: [...this.view] };
      }
    },
    move(event) {
      const x = event.offsetX, y = event.offsetY, held = this.held;
      this.read(x, y);
      if (!held) {
        const hit = this.eventAt(x, y);
        this.$refs.canvas.style.cursor = !hit ? "default" : hit.part === "both" ? "grab" : "ew-resize";
        return;
      }
      const perPx = (this.view[1] - this.view[0]) / this.$refs.canvas.clientWidth;
      if (held.kind === "time") {
        const by = (held.x - x) * perPx;
        if (Math.abs(x - held.x) > 2) held.isMoved = true;
        if (held.isMoved) this.show(held.view[0] + by, held.view[1] + by);
      } else if (held.kind === "stretch") {
        const shift = this.files[held.row.file].shift, ends = [held.from, this.timeAt(x)].sort((a, b) => a - b);
        this.stretch = { file: held.row.file, channel: held.row.channel, begin: ends[0] - shift, end: ends[1] - shift };
        this.draw();
      } else {
        const by = (x - held.x) * perPx;
        if (Math.abs(x - held.x) > 2) held.isMoved = true;
        if (!held.isMoved) return;
        held.begin = held.one.begin + (held.part === "end" ? 0 : by);
        held.end = held.one.end + (held.part === "begin" ? 0 : by);
        this.draw();
      }
    },
    release(event) {
      const held = this.held;
      this.held = null;
      if (!held) return;
      if (held.kind === "event" && held.isMoved) {
        this.edit({ what: "move", id: held.one.id, begin: Math.min(held.begin, held.end), end: Math.max(held.begin, held.end) });
      } else if (held.kind === "stretch" && this.stretch) {
        this.$emit("stretch", this.stretch);
      } else if (held.kind === "time" && !held.isMoved) {
        this.$emit("edit", { what: "choose", id: 0 });
      }
    },
    addAt(event) {
      const row = this.rowAt(event.offsetY);
      if (!row || this.eventAt(event.offsetX, event.offsetY)) return;
      const shift = this.files[row.file].shift, half = 0.02 * (this.view[1] - this.view[0]);
      const at = this.timeAt(event.offsetX) - shift;
      this.edit({ what: "add", file: row.file, channel: row.channel, begin: at - half, end: at + half });
    },
    read(x, y) {
      const row = this.rowAt(y), s = this.timeAt(x);
      const step = (this.view[1] - this.view[0]) / this.$refs.canvas.clientWidth;
      this.readout = "";
      if (!row) return;
      const file = this.files[row.file], channel = file.channels[row.channel], said = this.found[row.file];
      const words = [`${clock(s - file.shift, step)} in ${file.name}`, `${channel.number} ${channel.name}`];
      if (said && said.channels[row.nth] === row.channel) {
        const k = Math.floor(((s - file.shift) * file.rate - said.first) / said.width + (said.width === 1 ? 0.5 : 0));
        const at = row.nth * said.n + k;
        if (k >= 0 && k < said.n) {
          const low = said.low[at], high = said.high[at];
          words.push(Number.isNaN(low) ? "nothing was measured here" : low === high ? volts(low, channel.unit)
            : `${volts(low, channel.unit)} to ${volts(high, channel.unit)}`);
          if (!Number.isNaN(low) && said.holes[at]) words.push("samples are missing in this column");
          if (said.level && !Number.isNaN(said.level[at])) words.push(`envelope ${volts(said.level[at], channel.unit)}`);
        }
      }
      this.readout = words.join("  ·  ");
    },
    // Drawing.
    fit() {
      const room = this.$refs.box.clientHeight, n = this.shown.reduce((sum, one) => sum + one.length, 0);
      const heads = this.files.length * HEAD, height = Math.max((room - AXIS - heads) / Math.max(n, 1), LEAST_ROW);
      this.rows = [];
      this.heads = [];
      let top = 0;
      this.files.forEach((file, i) => {
        this.heads.push({ file: i, top });
        top += HEAD;
        this.shown[i].forEach((channel, nth) => {
          this.rows.push({ file: i, channel, nth, top, height });
          top += height;
        });
      });
      this.$refs.canvas.style.height = `${Math.max(top + AXIS, room - 4)}px`;
      this.draw();
    },
    pen(canvas) {
      const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
      if (!width || !height) return null;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      pen.font = "11px sans-serif";
      return [pen, width, height];
    },
    draw() {
      if (this.isWaiting) return;
      this.isWaiting = true;
      requestAnimationFrame(() => { this.isWaiting = false; this.paint(); });
    },
    paint() {
      if (!this.$refs.canvas || !this.rows) return;
      const made = this.pen(this.$refs.canvas);
      if (!made) return;
      const [pen, width, height] = made;
      this.grid(pen, width, height);
      for (const head of this.heads) this.headOf(pen, head, width);
      for (const row of this.rows) this.row(pen, row, width);
    },
    grid(pen, width, height) {
      const span = this.view[1] - this.view[0];
      const step = this.tick(span / Math.max(2, Math.min(10, width / 110)));
      pen.strokeStyle = COLOURS.grid;
      pen.fillStyle = COLOURS.text;
      pen.textAlign = "center";
      for (let k = Math.ceil(this.view[0] / step); k * step <= this.view[1]; k++) {
        const x = Math.round(this.xOf(k * step)) + 0.5;
        pen.beginPath();
        pen.moveTo(x, 0);
        pen.lineTo(x, height - AXIS);
        pen.stroke();
        if (x > 25 && x < width - 25) pen.fillText(clock(k * step, step), x, height - 5);
      }
      pen.textAlign = "left";
    },
    tick(atLeast) {
      const round = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400];
      return atLeast <= 30 ? (atLeast > 20 ? 30 : atLeast > 10 ? 20 : nice(atLeast)) : round.find((one) => one >= atLeast) || nice(atLeast);
    },
    headOf(pen, head, width) {
      const file = this.files[head.file], said = this.found[head.file];
      pen.fillStyle = COLOURS.head;
      pen.fillRect(0, head.top, width, HEAD);
      pen.fillStyle = COLOURS.text;
      const name = file.name + (file.isSimulated ? "  SIMULATED" : "");
      pen.font = "bold 11px sans-serif";
      pen.fillText(name, 6, head.top + 13);
      const behind = 12 + pen.measureText(name).width;
      pen.font = "11px sans-serif";
      if (!said) return;
      let free = behind;
      for (const [onset, lasts, text] of said.marks) {
        const x = this.xOf(onset + file.shift), end = this.xOf(onset + lasts + file.shift);
        pen.fillStyle = COLOURS.mark;
        pen.fillRect(Math.max(x, 0), head.top + HEAD - 3, Math.max(1.5, end - Math.max(x, 0)), 3);
        if (x < free || x > width) continue;
        pen.fillText(text, x + 2, head.top + 12);
        free = x + 8 + pen.measureText(text).width;
      }
    },
    row(pen, row, width) {
      const file = this.files[row.file], channel = file.channels[row.channel], said = this.found[row.file];
      pen.save();
      pen.beginPath();
      pen.rect(0, row.top, width, row.height);
      pen.clip();
      pen.strokeStyle = COLOURS.grid;
      pen.strokeRect(-1, row.top + 0.5, width + 2, row.height);
      this.outside(pen, row, file, width);
      let words = `${channel.number} ${channel.name}`;
      if (said && said.channels[row.nth] === row.channel) {
        const [middle, half] = this.scaleOf(said, row.nth);
        this.holes(pen, row, said, file);
        this.eventsOf(pen, row);
        this.trace(pen, row, said, file, middle, half);
        words += `  ±${volts(half, channel.unit)}` + (Math.abs(middle) > half / 50 ? ` about ${volts(middle, channel.unit)}` : "");
        this.marksOf(pen, row, said, file);
      }
      pen.fillStyle = "#ffffffd0";
      pen.fillRect(3, row.top + 2, pen.measureText(words).width + 6, 14);
      pen.fillStyle = COLOURS.text;
      pen.fillText(words, 6, row.top + 13);
      pen.restore();
    },
    outside(pen, row, file, width) {
      pen.fillStyle = COLOURS.unread;
      const a = this.xOf(file.shift), b = this.xOf(file.shift + file.seconds);
      if (a > 0) pen.fillRect(0, row.top, a, row.height);
      if (b < width) pen.fillRect(b, row.top, width - b, row.height);
    },
    scaleOf(said, nth) {
      let low = Infinity, high = -Infinity;
      for (let k = 0, at = nth * said.n; k < said.n; k++, at++) {
        if (said.low[at] < low) low = said.low[at];
        if (said.high[at] > high) high = said.high[at];
      }
      if (!(high >= low)) return [0, this.scale || 1];
      const isCentred = said.isCentred, half = this.scale || nice((isCentred ? Math.max(-low, high) : (high - low) / 2) * 1.05 || 1e-3);
      const unit = half / 10;
      return [isCentred ? 0 : Math.round((low + high) / 2 / unit) * unit, this.scale || nice(half * 1.0)];
    },
    x0(said, file) { return file.shift + said.first / file.rate; },
    holes(pen, row, said, file) {
      const start = this.x0(said, file), step = said.width / file.rate, at = row.nth * said.n;
      pen.fillStyle = COLOURS.hole;
      let from = -1;
      const lag = said.width === 1 ? 0.5 : 0;
      for (let k = 0; k <= said.n; k++) {
        const isHole = k < said.n && said.holes[at + k], isEmpty = isHole && Number.isNaN(said.low[at + k]);
        if (isHole && !isEmpty) pen.fillRect(this.xOf(start + k * step), row.top + row.height - 5, Math.max(1, this.xOf(start + step) - this.xOf(start)), 5);
        if (isEmpty && from < 0) from = k;
        if (!isEmpty && from >= 0) {
          const a = this.xOf(start + (from - lag) * step), b = this.xOf(start + (k - lag) * step);
          pen.fillRect(a, row.top, Math.max(1, b - a), row.height);
          from = -1;
        }
      }
      const known = this.xOf(start + said.n * step), all = this.xOf(Math.min(file.shift + file.seconds, said.asked + file.shift));
      if (said.share < 1 && all - known > 2) { pen.fillStyle = COLOURS.unread; pen.fillRect(known, row.top, all - known, row.height); }
    },
    trace(pen, row, said, file, middle, half) {
      const start = this.x0(said, file), step = said.width / file.rate, at = row.nth * said.n;
      const yOf = (value) => row.top + row.height / 2 - ((value - middle) / half) * 0.48 * row.height;
      const isSamples = said.width === 1, lag = isSamples ? 0 : 0.5;
      const perColumn = this.xOf(start + step) - this.xOf(start), x0 = this.xOf(start + lag * step);
      pen.strokeStyle = COLOURS.trace;
      pen.lineWidth = 1;
      pen.beginPath();
      let isDown = false;
      for (let k = 0; k < said.n; k++) {
        const low = said.low[at + k], high = said.high[at + k];
        if (Number.isNaN(low)) { isDown = false; continue; }
        const x = x0 + k * perColumn, isBroken = said.holes[at + k];
        if (!isDown || isBroken) pen.moveTo(x, yOf(low) + (isSamples ? 0 : 0.3));
        else pen.lineTo(x, yOf(low) + (isSamples ? 0 : 0.3));
        if (!isSamples) pen.lineTo(x, yOf(high) - 0.3);
        isDown = !isBroken;
      }
      pen.stroke();
      if (isSamples && perColumn > 5) {
        pen.fillStyle = COLOURS.trace;
        for (let k = 0; k < said.n; k++)
          if (!Number.isNaN(said.low[at + k])) pen.fillRect(x0 + k * perColumn - 1.5, yOf(said.low[at + k]) - 1.5, 3, 3);
      }
      if (!said.level) return;
      pen.strokeStyle = COLOURS.envelope;
      pen.lineWidth = 1.5;
      pen.beginPath();
      isDown = false;
      for (let k = 0; k < said.n; k++) {
        const level = said.level[at + k];
        if (Number.isNaN(level)) { isDown = false; continue; }
        const x = x0 + k * perColumn;
        if (isDown) pen.lineTo(x, yOf(level)); else pen.moveTo(x, yOf(level));
        isDown = !said.holes[at + k];
      }
      pen.stroke();
      pen.lineWidth = 1;
    },
    marksOf(pen, row, said, file) {
      pen.strokeStyle = COLOURS.mark;
      pen.beginPath();
      for (const [onset] of said.marks) {
        const x = Math.round(this.xOf(onset + file.shift)) + 0.5;
        pen.moveTo(x, row.top);
        pen.lineTo(x, row.top + row.height);
      }
      pen.globalAlpha = 0.45;
      pen.stroke();
      pen.globalAlpha = 1;
    },
    eventsOf(pen, row) {
      const held = this.held && this.held.kind === "event" ? this.held : null;
      for (const one of this.events) {
        if (one.file !== row.file || (one.channel >= 0 && one.channel !== row.channel)) continue;
        const isHeld = held && held.one.id === one.id;
        const [a, b] = this.at(isHeld ? { ...one, begin: held.begin, end: held.end } : one).map((s) => this.xOf(s));
        const isChosen = one.id === this.chosen;
        pen.fillStyle = isChosen ? COLOURS.chosen : COLOURS.event;
        pen.globalAlpha = 0.28;
        pen.fillRect(a, row.top, Math.max(2, b - a), row.height);
        pen.globalAlpha = 1;
        pen.fillRect(a, row.top, isChosen ? 2 : 1, row.height);
        pen.fillRect(b - 1, row.top, isChosen ? 2 : 1, row.height);
        if (b - a > 20) { if (!isChosen) pen.fillStyle = COLOURS.label; pen.fillText(one.label, a + 3, row.top + row.height - 4); }
      }
      const s = this.stretch;
      if (s && s.file === row.file && s.channel === row.channel) {
        const shift = this.files[s.file].shift, a = this.xOf(s.begin + shift), b = this.xOf(s.end + shift);
        pen.fillStyle = "#4263eb22";
        pen.fillRect(a, row.top, b - a, row.height);
        pen.strokeStyle = "#4263eb";
        pen.strokeRect(a, row.top + 1, b - a, row.height - 2);
      }
    },
    // The whole: of each column the widest span of all channels, each by its own usual one.
    drawOverview() {
      const made = this.$refs.overview && this.pen(this.$refs.overview);
      if (!made) return;
      const [pen, width, height] = made, all = this.end - this.begin, xOf = (s) => ((s - this.begin) / all) * width;
      const strip = (height - 2) / this.files.length;
      this.whole.forEach((said, i) => {
        if (!said) return;
        const file = this.files[i], n = said.n, tall = new Float32Array(n), empty = new Uint8Array(n).fill(1);
        said.channels.forEach((_, c) => {
          const spans = Array.from({ length: n }, (_, k) => said.high[c * n + k] - said.low[c * n + k]);
          const usual = spans.filter((one) => one > 0).sort((a, b) => a - b);
          const unit = usual[Math.floor(usual.length / 2)] || 1;
          spans.forEach((one, k) => { if (!Number.isNaN(one)) { empty[k] = 0; tall[k] = Math.max(tall[k], Math.min(1, Math.log2(1 + one / unit) / 6)); } });
        });
        for (let k = 0; k < n; k++) {
          const at = (said.first + k * said.width) / file.rate;
          const x = Math.floor(xOf(file.shift + at)), end = Math.ceil(xOf(file.shift + at + said.width / file.rate));
          pen.fillStyle = empty[k] ? COLOURS.hole : COLOURS.trace;
          const h = empty[k] ? strip : tall[k] * (strip - 2);
          pen.fillRect(x, 1 + (i + 1) * strip - h, end - x, h);
        }
      });
      pen.fillStyle = COLOURS.event;
      for (const one of this.events) pen.fillRect(xOf(this.at(one)[0]), 0, 1.5, 6);
      const a = xOf(this.view[0]), b = xOf(this.view[1]);
      pen.fillStyle = "#4263eb22";
      pen.fillRect(a, 0, Math.max(b - a, 3), height);
      pen.strokeStyle = "#4263eb";
      pen.strokeRect(a + 0.5, 0.5, Math.max(b - a, 3), height - 1);
    },
  },
};
