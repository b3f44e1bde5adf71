// Traces as strips that run to the left, a row a channel, and a level meter beside each row.
// Every column is the lowest and the highest sample of its time; a hole is drawn as a hole.
// Markers are lines across all rows. When nothing comes any more the page says since when, by itself:
// also when the desk is gone, which could not say it.
const COLOURS = {
  trace: "#1f4e79", envelope: "#c2410c", grid: "#e3e7ec", text: "#364152", hole: "#f6d5d5", pause: "#eceff3", mark: "#5f3dc4",
};
const STALE_MS = 1200; // With many pages open each is drawn less often, but every 0.8 s.
const AXIS = 14; // px below the traces
const STEPS = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 200000];

// Scales of the meters: ticks, % of the width; words for those who hear, and below the meters: place, text, shift.
const ENDS = (first, last) => [[0, first, 0], [100, last, -100]];
const DECADES = Object.freeze({
  words: "1 mV", title: "1 µV to 1 mV, a tick each factor of 10", ticks: [100 / 3, 200 / 3],
  few: ENDS("1 µV", "1 mV"),
  all: [[0, "1 µV", 0], [100 / 3, "10", -50], [200 / 3, "100", -50], [100, "1 mV", -100]],
});
const PERCENT = Object.freeze({
  words: "100 % MVC", title: "0 to 100 % of the maximum contraction", ticks: [25, 50, 75],
  few: ENDS("0", "100 % MVC"), all: ENDS("0", "100 % MVC"),
});

export default {
  template: `
    <div style="display:grid;grid-template-columns:minmax(0,1fr) clamp(96px,28%,168px);width:100%;height:100%">
      <div style="position:relative;min-width:0;min-height:0">
        <canvas ref="canvas" data-testid="scope" role="img" aria-label="live traces" :data-marks="shownMarks" :data-pauses="pauses.length"
                style="position:absolute;inset:0;width:100%;height:100%"></canvas>
        <div v-if="since" data-testid="stale" style="position:absolute;bottom:18px;right:2px;
             max-width:96%;color:#fff;border-radius:4px;padding:3px 10px;
             font-size:13px;font-weight:600;text-align:center"
             :style="{background: quiet ? '#495057' : '#c92a2a'}">{{ since }}</div>
      </div>
      <div ref="meters" style="display:flex;flex-direction:column;min-height:0">
        <div v-for="(channel, i) in channels" :key="channel.number" :data-testid="'level-' + channel.number"
             role="meter" aria-valuemin="0" aria-valuemax="100" :aria-valuenow="Math.round(levels[i].width)"
             :aria-label="channel.number + ' ' + channel.name" :aria-valuetext="levels[i].text + ' of ' + levels[i].scale.words"
             :title="channel.name + ': highest envelope of the last quarter second, ' + levels[i].scale.title"
             style="flex:1;display:flex;flex-direction:column;justify-content:center;padding:0 4px 0 10px;min-height:0">
          <div style="display:flex;flex-wrap:wrap;gap:0 6px;font-size:12px;line-height:16px;white-space:nowrap">
            <span style="flex:1 1 72px;overflow:hidden;text-overflow:ellipsis" :title="channel.name">{{ channel.number }}
              {{ channel.name }}</span>
            <span style="font-variant-numeric:tabular-nums">{{ levels[i].text }}</span>
          </div>
          <div style="height:9px;background:#e9ecef;border-radius:4px;overflow:hidden;flex-shrink:0;position:relative">
            <div :style="{width: levels[i].width + '%', height: '100%', background: levels[i].colour}"></div>
            <div v-for="at in levels[i].scale.ticks" data-testid="tick"
                 :style="{position: 'absolute', top: 0, bottom: 0, left: at + '%', width: '1px', background: '#868e96'}"></div>
          </div>
          <div v-if="isMixed" style="font-size:10px;line-height:11px;text-align:right;color:#364152">{{ levels[i].scale.words }}</div>
        </div>
        <div data-testid="meter-scale" aria-hidden="true"
             style="height:14px;position:relative;margin:0 4px 0 10px;font-size:10px;line-height:14px;color:#364152;white-space:nowrap">
          <span v-for="[at, text, move] in scaleWords" :key="text"
                :style="{position: 'absolute', left: at + '%', transform: 'translateX(' + move + '%)'}">{{ text }}</span>
        </div>
      </div>
    </div>`,
  // quiet: why nothing comes, if the desk means it so; empty if that is said elsewhere; null if nobody said.
  props: { channels: Array, columnS: Number, seconds: Number, scaleUv: Number, quiet: String },
  data() {
    return { levels: this.channels.map(() => ({ width: 0, text: "–", colour: "#adb5bd", scale: DECADES })), since: "", shownMarks: "", isNarrow: false,
      pauses: [] }; // first column, column behind: holes that are no loss
  },
  computed: {
    isMixed() { return new Set(this.levels.map((level) => level.scale)).size > 1; },
    // The scale below the meters; where they have different ones, each says its own.
    scaleWords() { return this.isMixed || !this.levels.length ? [] : this.levels[0].scale[this.isNarrow ? "few" : "all"]; },
  },
  watch: { seconds() { this.draw(); }, scaleUv() { this.draw(); },
    quiet() { if (this.isStale) this.look(); },
  },
  mounted() {
    this.size = Math.ceil(60 / this.columnS);
    this.n = this.channels.length;
    this.ring = new Float32Array(this.size * 3 * this.n).fill(NaN);
    this.end = 0;
    this.marks = [];
    this.cameAt = Date.now();
    this.timer = setInterval(() => this.look(), 250);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.$refs.canvas);
  },
  unmounted() { this.observer.disconnect(); clearInterval(this.timer); },
  methods: {
    // end: number of columns ever; cells: tenths of µV, null in a hole; levels: [[µV, % MVC or null], …];
    // marks: [[column, text], …], those that are new; pauses: [[column, column behind], …], the last ones.
    push({ end, cells, levels, marks, pauses }) {
      if (cells.length) { this.cameAt = Date.now(); this.since = ""; this.isStale = false; }
      this.marks = [...this.marks, ...(marks || [])].filter(([column]) => column > end - this.size).slice(-300);
      const width = 3 * this.n;
      const count = cells.length / width;
      if (pauses && pauses.length && String(pauses) !== String(this.pauses)) this.pauses = pauses;
      for (let k = 0; k < cells.length; k++) {
        const column = (end - count + Math.floor(k / width)) % this.size;
        this.ring[column * width + (k % width)] = cells[k] === null ? NaN : cells[k] / 10;
      }
      this.end = end;
      this.levels = levels.map(([uv, percent], i) => this.level(uv, percent, i));
      if (!this.waiting) {
        this.waiting = true;
        requestAnimationFrame(() => { this.waiting = false; this.draw(); });
      }
    },
    look() {
      const seconds = (Date.now() - this.cameAt) / 1000;
      if (1000 * seconds < STALE_MS) return;
      const at = new Date(this.cameAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
      const wasFresh = !this.isStale;
      this.isStale = true;
      this.since = this.quiet ?? (this.end ? `no samples since ${at} · ${seconds.toFixed(0)} s` : "no samples yet");
      if (!wasFresh) return;
      this.levels = this.levels.map((_, i) => this.level(null, null, i));
      this.draw();
    },
    level(uv, percent, i) {
      // In a hole a meter keeps the scale that it had.
      if (uv === null) return { width: 0, text: "–", colour: "#adb5bd", scale: this.levels[i].scale };
      const colour = percent !== null && percent > 100 ? "#c92a2a" : COLOURS.envelope;
      if (percent !== null) return { width: Math.min(percent, 100), text: percent.toFixed(0) + " % MVC", colour, scale: PERCENT };
      // Without an MVC the bar grows with the decades from 1 µV to 1 mV.
      const width = Math.max(0, Math.min(100, (100 * Math.log10(Math.max(uv, 1e-3))) / 3));
      return { width, text: uv.toFixed(uv < 10 ? 1 : 0) + " µV", colour, scale: DECADES };
    },
    draw() {
      const canvas = this.$refs.canvas;
      const ratio = window.devicePixelRatio || 1;
      const width = canvas.clientWidth, height = canvas.clientHeight;
      if (!width || !height) return;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      this.isNarrow = this.$refs.meters.clientWidth < 130;
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      const columns = Math.round(this.seconds / this.columnS);
      this.grid(pen, width, height);
      for (let row = 0; row < this.n; row++) this.strip(pen, row, columns, width, (height - AXIS) / this.n);
      this.lines(pen, columns, width, height - AXIS);
    },
    // Markers: a line each, and its words at the top, in rows where they would lie over each other; where all
    // rows are taken the line is left without.
    lines(pen, columns, width, height) {
      pen.save();
      pen.strokeStyle = COLOURS.mark;
      pen.setLineDash([4, 3]);
      const ends = new Array(6).fill(0), shown = [];
      for (const [column, text] of [...this.marks].sort((a, b) => a[0] - b[0])) {
        const x = width * (1 - (this.end - column) / columns);
        if (x < 0 || x > width) continue;
        shown.push(text);
        pen.beginPath();
        pen.moveTo(x, 0);
        pen.lineTo(x, height);
        pen.stroke();
        const room = pen.measureText(text).width + 8;
        const left = Math.min(x, width - room);
        const row = ends.findIndex((end) => end <= left);
        if (row < 0) continue;
        ends[row] = left + room;
        pen.fillStyle = "#ffffffe0";
        pen.fillRect(left, 17 + row * 16, room, 15);
        pen.fillStyle = COLOURS.mark;
        pen.fillText(text, left + 4, 28 + row * 16);
      }
      pen.restore();
      this.shownMarks = shown.join("|");
    },
    grid(pen, width, height) {
      pen.strokeStyle = COLOURS.grid;
      pen.fillStyle = COLOURS.text;
      pen.font = "11px sans-serif";
      pen.lineWidth = 1;
      const each = this.seconds > 12 ? 5 : 1;
      const steps = width < 300 ? 2 : 5; // words that have room
      for (let s = 0; s <= this.seconds; s += each) {
        const x = Math.round(width - (s / this.seconds) * width) - 0.5;
        pen.beginPath();
        pen.moveTo(x, 0);
        pen.lineTo(x, height - AXIS);
        pen.stroke();
        pen.textAlign = s === 0 ? "right" : s >= this.seconds ? "left" : "center";
        if (s % Math.max(each, this.seconds / steps) === 0) pen.fillText(s ? `−${s} s` : this.isStale ? "end" : "now", x, height - 2);
      }
      pen.textAlign = "left";
    },
    strip(pen, row, columns, width, rowHeight) {
      const stride = 3 * this.n, first = this.end - columns;
      const at = (k, part) => {
        const column = first + k;
        return column < 0 ? NaN : this.ring[(column % this.size) * stride + part * this.n + row];
      };
      let top = 0;
      for (let k = 0; k < columns; k++) {
        const reach = Math.max(-at(k, 0), at(k, 1));
        if (reach > top) top = reach;
      }
      const scale = this.scaleUv || STEPS.find((step) => step >= top) || top;
      const middle = (row + 0.5) * rowHeight, unit = (0.46 * rowHeight) / scale;
      const clip = (uv) => Math.max(-0.46 * rowHeight, Math.min(0.46 * rowHeight, uv * unit));
      this.holes(pen, columns, width, row * rowHeight, rowHeight, (k) => Number.isNaN(at(k, 0)) && first + k >= 0);
      pen.strokeStyle = COLOURS.trace;
      pen.beginPath();
      for (let k = 0; k < columns; k++) {
        const low = at(k, 0);
        if (Number.isNaN(low)) continue;
        const x = ((k + 0.5) / columns) * width;
        pen.moveTo(x, middle - clip(at(k, 1)) - 0.3);
        pen.lineTo(x, middle - clip(low) + 0.3);
      }
      pen.stroke();
      pen.strokeStyle = COLOURS.envelope;
      pen.lineWidth = 1.5;
      pen.beginPath();
      let isDown = false;
      for (let k = 0; k < columns; k++) {
        const envelope = at(k, 2);
        if (Number.isNaN(envelope)) { isDown = false; continue; }
        const x = ((k + 0.5) / columns) * width, y = middle - clip(envelope);
        if (isDown) pen.lineTo(x, y); else pen.moveTo(x, y);
        isDown = true;
      }
      pen.stroke();
      pen.lineWidth = 1;
      const words = `${this.channels[row].number}  ±${scale < 10000 ? scale + " µV" : scale / 1000 + " mV"}`;
      pen.fillStyle = "#ffffffd0"; // a trace at the rail must not hide its scale
      pen.fillRect(3, row * rowHeight + 2, pen.measureText(words).width + 6, 14);
      pen.fillStyle = COLOURS.text;
      pen.fillText(words, 6, row * rowHeight + 13);
    },
    holes(pen, columns, width, y, height, isHole) {
      // Filtered in another way, what is shown is drawn anew, and a hole then begins a column sooner or later.
      const isPause = (column) => this.pauses.some(([from, to]) => column >= from - 1 && column < to + 1);
      const kind = (k) => (k >= columns || !isHole(k) ? "" : isPause(this.end - columns + k) ? "pause" : "hole");
      for (let k = 0, start = 0, now = kind(0); k <= columns; k++) {
        const next = kind(k);
        if (next === now && k < columns) continue;
        if (now) {
          pen.fillStyle = COLOURS[now];
          pen.fillRect((start / columns) * width, y, Math.max(1, ((k - start) / columns) * width), height);
        }
        start = k;
        now = next;
      }
    },
  },
};
