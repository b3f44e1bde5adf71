// The spectrum of the chosen stretch, as amplitude density over frequency; the scale up is logarithmic.
export default {
  template: `<canvas ref="canvas" data-testid="spectrum" role="img" aria-label="spectrum of the chosen stretch"
                     v-show="curve && curve.hz" style="width:100%;height:190px"></canvas>`,
  props: { curve: Object },
  watch: { curve() { this.$nextTick(() => this.draw()); } },
  mounted() {
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.$refs.canvas);
  },
  unmounted() { this.observer.disconnect(); },
  methods: {
    draw() {
      const canvas = this.$refs.canvas, ratio = window.devicePixelRatio || 1;
      const width = canvas.clientWidth, height = canvas.clientHeight;
      if (!width || !height) return;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      if (!this.curve || !this.curve.hz) return;
      const { hz, density, unit } = this.curve, left = 40, foot = 26, top = 16;
      const known = density.filter((one) => one > 0);
      if (!known.length) return;
      let high = Math.ceil(Math.log10(Math.max(...known)) + 0.05);
      const low = Math.min(high - 1, Math.max(high - 5, Math.floor(Math.log10(Math.min(...known)))));
      const most = hz[hz.length - 1];
      const xOf = (f) => left + (f / most) * (width - left - 8);
      const yOf = (value) => top + ((high - Math.log10(Math.max(value, 1e-30))) / (high - low)) * (height - top - foot);
      pen.font = "10px sans-serif";
      pen.strokeStyle = "#e3e7ec";
      pen.fillStyle = "#364152";
      const line = (x0, y0, x1, y1) => { pen.beginPath(); pen.moveTo(x0, y0); pen.lineTo(x1, y1); pen.stroke(); };
      pen.textAlign = "right";
      for (let decade = low; decade <= high; decade++) {
        const y = yOf(10 ** decade);
        line(left, y, width - 8, y);
        pen.fillText(String(Number((10 ** decade).toPrecision(3))), left - 4, y + 3);
      }
      pen.textAlign = "center";
      const step = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((one) => most / one <= 6) || most;
      for (let f = 0; f <= most; f += step) {
        line(xOf(f), top, xOf(f), height - foot);
        pen.textAlign = f > 0.95 * most ? "right" : "center";
        pen.fillText(String(f), f > 0.95 * most ? width - 6 : xOf(f), height - foot + 11);
      }
      pen.textAlign = "center";
      pen.fillText("Hz", (left + width) / 2, height - 3);
      pen.textAlign = "left";
      pen.fillText(`${unit}/√Hz`, 2, 10);
      pen.save();
      pen.beginPath();
      pen.rect(left, top, width - left - 8, height - top - foot);
      pen.clip();
      pen.strokeStyle = "#1f4e79";
      pen.beginPath();
      hz.forEach((f, i) => { if (i) pen.lineTo(xOf(f), yOf(density[i])); else pen.moveTo(xOf(f), yOf(density[i])); });
      pen.stroke();
      pen.restore();
    },
  },
};
