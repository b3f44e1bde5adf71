// The digital tube: a number as large as the window, and when each was on the screen.
export default {
  template: `
    <div data-testid="tube" style="position:fixed;inset:0;background:#000;color:#fff;display:flex;
         align-items:center;justify-content:center;font-family:monospace;font-weight:700;line-height:1;
         user-select:none" :style="{fontSize: 'min(' + 150 / digits + 'vw, 80vh)'}">{{ text }}</div>`,
  props: { digits: Number, number: Number },
  data() { return { text: "".padStart(this.digits, "-"), shown: [] }; },
  mounted() {
    this.show(this.number);
    this.timer = setInterval(() => this.tell(), 500);
  },
  unmounted() { clearInterval(this.timer); },
  methods: {
    show(number) {
      this.text = String(number % 10 ** this.digits).padStart(this.digits, "0");
      // The callback runs just before the frame that holds the new text is drawn.
      this.$nextTick(() => requestAnimationFrame((ms) => this.shown.push([number, (performance.timeOrigin + ms) / 1000])));
    },
    tell() {
      if (this.shown.length) this.$emit("shown", this.shown.splice(0));
    },
  },
};
