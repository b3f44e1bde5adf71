// Recordings under each other over one time: traces, gaps, marks, events; zoom, scroll, choose, correct.
// The server reduces a stretch to columns of lowest and highest samples (pyramid.py, answers.py).
import { COLOURS, LINE, OVERVIEW, clock, painting, volts } from "emgrig-view/paint.js";

const EDGE = 5; // px beside an event's end that take hold of it
const AGAIN_MS = 700; // until what is still being computed is asked for again

// A body: length of the JSON in four bytes, the JSON, then planes of float32 and of flags.
async function fetched(url) {
  const answer = await fetch(url);
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
      <div style="display:flex">
        <div :style="{width: names, flexShrink: 0}"></div>
        <canvas ref="overview" data-testid="overview" role="img" aria-label="the whole recording; click to go there"
                style="flex:1;min-width:0;height:${OVERVIEW}px;cursor:pointer;touch-action:none"></canvas>
      </div>
      <div ref="box" style="flex:1;min-height:0;overflow-y:auto;overflow-x:hidden;display:flex;align-items:flex-start">
        <div :style="{width: names, flexShrink: 0, position: 'relative'}">
          <div v-for="(row, i) in labels" :key="i" :data-testid="'row-' + i" :title="row.lines.join('  ')"
               :style="{position: 'absolute', top: row.top + 'px', left: 0, right: '6px',
                        height: Math.floor((row.height - 1) / ${LINE}) * ${LINE} + 1 + 'px'}"
               style="overflow:hidden;font-size:11px;line-height:${LINE}px;border-top:1px solid ${COLOURS.grid}">
            <div v-for="(line, k) in row.lines" :style="{fontWeight: k ? 400 : 600}"
                 style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap">{{ line }}</div>
          </div>
        </div>
        <canvas ref="canvas" data-testid="traces" tabindex="0" role="img" aria-label="traces; arrows scroll, + and − zoom"
                style="flex:1;min-width:0;display:block;outline:none;touch-action:pan-y"></canvas>
      </div>
      <div data-testid="readout" style="font-size:12px;height:18px;white-space:nowrap;overflow:hidden">{{ readout }}</div>
    </div>`,
  props: { files: Array, query: String, scale: Number, events: Array, chosen: Number, shown: Array },
  data() { return { readout: "", labels: [], names: "clamp(68px, 11%, 130px)" }; },
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
    clearTimeout(this.isAgain);
  },
  methods: {
    ...painting,
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
        if (share < 1 && !this.problem) this.later = setTimeout(() => { this.ask(); this.askWhole(); }, AGAIN_MS);
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
      const longest = Math.max(...this.files.map((one) => one.rate)) * (this.end - this.begin);
      const n = Math.max(20, Math.min(this.wide(), Math.floor(longest / 8)));  // a column spans some samples
      const made = await Promise.all(this.files.map((one, i) => this.columns(i, this.begin, this.end, n, "")
        .catch(() => null)));
      this.whole = made;
      this.drawOverview();
      if (made.some((one) => one && one.share < 1 && !one.problem) && !this.isAgain) {
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
      const unit = event.deltaMode ? 33 : 1;  // some browsers count lines
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        this.pan((unit * (event.deltaX || event.deltaY)) / 800);
      } else {
        this.zoom(1.0015 ** (unit * event.deltaY), this.timeAt(event.offsetX));
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
        Escape: () => { this.stretch = null; this.draw(); this.$emit("edit", { what: "choose", id: 0 }); },
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
      const to = now < 0 && way < 0 ? sorted.at(-1) : sorted[(now + way + sorted.length) % sorted.length];
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
  },
};
