// The spectrum of one channel: density over frequency, decades upward, with the mains marked.
const INK = { line: "#1f4e79", grid: "#e3e7ec", text: "#364152", mains: "#c92a2a" };
const LEFT = 46, BOTTOM = 30, TOP = 26, RIGHT = 14; // px around the plot

export default {
  template: `<canvas ref="canvas" data-testid="spectrum" role="img" :aria-label="words" :data-peak-hz="peakHz"
                     style="width:100%;height:100%;min-height:0;display:block"></canvas>`,
  props: { mainsHz: Number, isRoot: Boolean },
  data() { return { words: "no spectrum: not enough samples", peakHz: "" }; },
  watch: { isRoot() { this.draw(); }, mainsHz() { this.draw(); } },
  mounted() {
    this.found = null;
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.$refs.canvas);
  },
  unmounted() { this.observer.disconnect(); },
  methods: {
    // step: Hz from bin to bin, the first at 0; density: µV²/Hz; null while there is too little.
    push(found) {
      this.found = found;
      if (found) {
        let peak = 1; // not the offset
        found.density.forEach((value, i) => { if (i > 0 && value > found.density[peak]) peak = i; });
        this.peakHz = String(Math.round(peak * found.step * 10) / 10);
        this.words = `spectrum of the last ${found.seconds} s, highest at ${this.peakHz} Hz`;
      } else {
        this.peakHz = "";
        this.words = "no spectrum: not enough samples";
      }
      this.draw();
    },
    draw() {
      const canvas = this.$refs.canvas;
      if (!canvas) return;
      const ratio = window.devicePixelRatio || 1;
      const width = canvas.clientWidth, height = canvas.clientHeight;
      if (!width || !height) return;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      pen.font = "11px sans-serif";
      if (!this.found) {
        pen.fillStyle = INK.text;
        pen.fillText("no spectrum: two seconds of samples without a gap are needed", 12, 40, width - 24);
        return;
      }
      const values = this.found.density.map((value) => (this.isRoot ? Math.sqrt(value) : value));
      const shown = values.slice(1).filter((value) => value > 0);
      if (!shown.length) return;
      // Decades around what is there: the floor is what nine in ten bins lie above.
      const sorted = [...shown].sort((a, b) => a - b);
      const low = Math.floor(Math.log10(sorted[Math.floor(sorted.length / 10)])) - (this.isRoot ? 0 : 1);
      const high = Math.max(Math.ceil(Math.log10(sorted[sorted.length - 1])), low + 2);
      const topHz = (values.length - 1) * this.found.step;
      const x = (hz) => LEFT + (hz / topHz) * (width - LEFT - RIGHT);
      const y = (value) => {
        const share = (Math.log10(Math.max(value, 1e-30)) - low) / (high - low);
        return height - BOTTOM - Math.max(0, Math.min(1, share)) * (height - BOTTOM - TOP);
      };
      this.axes(pen, { x, y, low, high, topHz, width, height });
      this.mains(pen, { x, topHz, height });
      pen.strokeStyle = INK.line;
      pen.lineWidth = 1.2;
      pen.beginPath();
      values.forEach((value, i) => { if (i) pen.lineTo(x(i * this.found.step), y(value)); });
      pen.stroke();
    },
    axes(pen, { x, y, low, high, topHz, width, height }) {
      pen.strokeStyle = INK.grid;
      pen.fillStyle = INK.text;
      pen.lineWidth = 1;
      const each = Math.ceil((high - low) / Math.max(1, Math.floor((height - BOTTOM - TOP) / 22)));
      pen.textAlign = "right";
      for (let decade = low; decade <= high; decade += each) {
        const at = Math.round(y(10 ** decade)) - 0.5;
        this.line(pen, LEFT, at, width - RIGHT, at);
        pen.fillText(decade >= -3 && decade <= 4 ? String(Number((10 ** decade).toPrecision(1))) : `1e${decade}`, LEFT - 5, at + 4);
      }
      const steps = [5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000];
      const stepHz = steps.find((step) => (step / topHz) * (width - LEFT - RIGHT) > 44) || 2000;
      pen.textAlign = "center";
      for (let hz = 0; hz <= topHz + 1e-6; hz += stepHz) {
        const at = Math.round(x(hz)) - 0.5;
        this.line(pen, at, TOP, at, height - BOTTOM);
        pen.fillText(String(hz), at, height - BOTTOM + 13);
      }
      pen.fillText("Hz", (LEFT + width - RIGHT) / 2, height - 4);
      pen.textAlign = "left";
      pen.fillText(this.isRoot ? "µV/√Hz" : "µV²/Hz", 4, 12);
    },
    mains(pen, { x, topHz, height }) {
      if (!this.mainsHz) return;
      pen.save();
      pen.strokeStyle = pen.fillStyle = INK.mains;
      pen.globalAlpha = 0.55;
      pen.setLineDash([3, 4]);
      for (let n = 1; n * this.mainsHz <= topHz; n++) {
        const at = Math.round(x(n * this.mainsHz)) - 0.5;
        this.line(pen, at, TOP, at, height - BOTTOM);
      }
      pen.globalAlpha = 1;
      pen.textAlign = "left";
      pen.fillText(`mains ${this.mainsHz} Hz and multiples`, Math.max(x(this.mainsHz), LEFT + 24), 12);
      pen.restore();
    },
    line(pen, x1, y1, x2, y2) {
      pen.beginPath();
      pen.moveTo(x1, y1);
      pen.lineTo(x2, y2);
      pen.stroke();
    },
  },
};
