// The digital tube: a number as large as the window, and when each was on the screen.
// `emgrig sync --video` reads it off a film: the same face on every computer, so its digits are drawn
// here (strokes from the left upper corner, x to the right) and not taken from a font.
const STROKE = 1.3, PITCH = 6.4, FRAME = 1.2, MARGIN = 3.6, WIDTH = 4, HEIGHT = 7;
const DIGITS = {
  0: ["1,0 3,0 4,1 4,6 3,7 1,7 0,6 0,1 1,0"],
  1: ["0.4,1.6 2,0 2,7", "0.4,7 3.6,7"],
  2: ["0,1 1,0 3,0 4,1 4,2.4 0,7 4,7"],
  3: ["0,0 4,0 1.8,2.8 3,2.8 4,3.8 4,6 3,7 1,7 0,6"],
  4: ["3,7 3,0 0,4.8 4.2,4.8"],
  5: ["4,0 0,0 0,3.2 1,2.8 3,2.8 4,3.8 4,6 3,7 1,7 0,6"],
  6: ["3.6,0 2,0 0,3 0,6 1,7 3,7 4,6 4,4 3,3 0,3.6"],
  7: ["0,0 4,0 1.4,7"],
  8: ["1,0 3,0 3.7,0.8 3.7,2.4 3,3.2 1,3.2 0.3,2.4 0.3,0.8 1,0", "1,3.2 0,4.2 0,6 1,7 3,7 4,6 4,4.2 3,3.2"],
  9: ["0.4,7 2,7 4,4 4,1 3,0 1,0 0,1 0,3 1,4 4,3.4"],
  "-": ["0.5,3.5 3.5,3.5"],
};

export default {
  template: `
    <div data-testid="tube" style="position:fixed;inset:0;background:#000;display:flex;
         align-items:center;justify-content:center;user-select:none">
      <svg :viewBox="'0 0 ' + width + ' ' + height" style="width:92vw;height:90vh" fill="none" stroke="#fff"
           stroke-linejoin="round" stroke-linecap="round" aria-hidden="true">
        <rect :x="frame / 2" :y="frame / 2" :width="width - frame" :height="height - frame"
              :stroke-width="frame" stroke-linejoin="miter" />
        <path v-for="(d, i) in paths" :key="i" :d="d" :stroke-width="stroke" />
      </svg>
      <span style="position:absolute;opacity:0">{{ text }}</span>
    </div>`,
  props: { digits: Number, number: Number },
  data() { return { text: "".padStart(this.digits, "-"), shown: [], frame: FRAME, stroke: STROKE }; },
  computed: {
    width() { return 2 * MARGIN + WIDTH + PITCH * (this.digits - 1); },
    height() { return 2 * MARGIN + HEIGHT; },
    paths() { return [...this.text].map((sign, i) => this.path(sign, MARGIN + PITCH * i)); },
  },
  mounted() {
    this.show(this.number);
    this.timer = setInterval(() => this.tell(), 500);
  },
  unmounted() { clearInterval(this.timer); },
  methods: {
    path(sign, left) {
      const place = (point) => {
        const [x, y] = point.split(",").map(Number);
        return `${left + x},${MARGIN + y}`;
      };
      return DIGITS[sign].map((stroke) => "M" + stroke.split(" ").map(place).join("L")).join("");
    },
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
