// How the viewer draws: rows with traces, gaps, marks and events; the strip of the whole recording.
export const COLOURS = { trace: "#1f4e79", envelope: "#d9480f", grid: "#e3e7ec", text: "#364152", hole: "#f6d5d5",
                  unread: "#dfe3e8", event: "#e8a33d", label: "#8a4b00", chosen: "#c2255c", mark: "#2b8a3e", head: "#eef1f4" };
export const OVERVIEW = 44, LINE = 13; // px
const AXIS = 18, HEAD = 18, LEAST_ROW = 27;

function nice(atLeast) {
  if (!(atLeast > 0)) return 1;
  const decade = 10 ** Math.floor(Math.log10(atLeast));
  for (const step of [1, 2, 5, 10]) if (step * decade >= atLeast * (1 - 1e-9)) return step * decade;
  return 10 * decade;
}

export function clock(s, step) {
  const places = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step) - 1e-9));
  const sign = s < -1e-9 ? "−" : "", all = Math.abs(s);
  if (all < 60) return sign + all.toFixed(places) + " s";
  const whole = Math.floor(all / 60 + 1e-9);
  const seconds = Math.max(0, all - whole * 60).toFixed(places).padStart(places ? places + 3 : 2, "0");
  const minutes = whole % 60, hours = Math.floor(whole / 60);
  return sign + (hours ? `${hours}:${String(minutes).padStart(2, "0")}` : String(minutes)) + ":" + seconds;
}

export function volts(value, unit) {
  const size = Math.abs(value);
  if (unit === "uV" && size >= 10000) return `${Number((value / 1000).toPrecision(5))} mV`.replace("-", "−");
  return `${Number(value.toPrecision(5))} ${unit === "uV" ? "µV" : unit || "(no unit)"}`.replace("-", "−");
}

// Methods of the component in trace_view.js.
export const painting = {
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
    const labels = this.rows.map((row) => ({ top: row.top, height: row.height, ...this.row(pen, row, width) }));
    if (JSON.stringify(labels) !== JSON.stringify(this.labels)) this.labels = labels;
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
    const many = said && said.nMarks > said.marks.length ? `  ${said.marks.length} of ${said.nMarks} marks shown` : "";
    const name = file.name + (file.isSimulated ? "  SIMULATED" : "") + many;
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
      const from = Math.max(x + 2, free);  // a little late is better than not at all
      if (x < 0 || from > width || from - x > 120) continue;
      pen.fillText(text, from, head.top + 12);
      free = from + 8 + pen.measureText(text).width;
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
    let scale = [];
    if (said && said.channels[row.nth] === row.channel) {
      const [middle, half] = this.scaleOf(said, row.nth);
      this.holes(pen, row, said, file);
      this.eventsOf(pen, row);
      this.trace(pen, row, said, file, middle, half);
      this.marksOf(pen, row, said, file);
      const isOff = Math.abs(middle) > half / 50;
      scale = [`±${volts(half, channel.unit)}`, ...(isOff ? [`about ${volts(middle, channel.unit)}`] : [])];
    }
    pen.restore();
    return { lines: [`${channel.number} ${channel.name}`, ...scale] };
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
    const reach = said.isCentred ? Math.max(-low, high) : (high - low) / 2;
    const half = this.scale || nice(Math.max(1.05 * reach, 1e-9));
    return [said.isCentred ? 0 : Math.round((5 * (low + high)) / half) * (half / 10), half];
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
};
