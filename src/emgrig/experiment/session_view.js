// What the participant sees: words, a countdown, a film, the rating. It tells what the person does;
// it decides nothing.
export default {
  template: `
    <div data-testid="session" :data-phase="view.phase" tabindex="0" ref="root"
         :class="{ still }" @mousemove="moved"
         style="position:fixed;inset:0;background:#111;color:#f1f3f5;display:flex;flex-direction:column;
                align-items:center;justify-content:center;text-align:center;outline:none;font-size:3.6vh">
      <video v-if="view.clip" ref="film" :key="view.clip_trial + '/' + view.clip_attempt" :src="view.clip"
             data-testid="film" preload="auto" playsinline @playing="tell('playing')" @ended="tell('ended')"
             @error="tell('failed', $event.target.error ? $event.target.error.message || 'code ' + $event.target.error.code : '')"
             style="width:100%;height:100%;object-fit:contain;background:#111"></video>
      <template v-else>
        <div style="font-size:7vh;font-weight:600" data-testid="title">{{ view.title }}</div>
        <div style="max-width:60vw;margin-top:3vh;line-height:1.4" data-testid="text">{{ view.text }}</div>
        <div v-if="view.note" style="max-width:60vw;margin-top:2vh;color:#ffd43b" data-testid="note">{{ view.note }}</div>
        <div v-if="seconds !== null" style="font-size:9vh;margin-top:3vh;font-variant-numeric:tabular-nums"
             data-testid="countdown">{{ seconds }}</div>
        <div v-if="view.asks_rating" style="display:flex;gap:1.2vw;margin-top:5vh">
          <button v-for="n in 9" :key="n" @click="tell('rating', n - 1)" :data-testid="'rating-' + (n - 1)"
                  class="big rating">{{ n - 1 }}</button>
        </div>
        <button v-if="view.asks_to_go_on" class="big" style="margin-top:5vh" @click="tell('continue')"
                data-testid="continue">{{ view.go_on }}</button>
      </template>
      <div v-if="view.paused" style="position:fixed;inset:0;background:#111d;display:flex;align-items:center;
           justify-content:center;font-size:6vh" data-testid="paused">{{ view.paused }}</div>
      <component is="style">
        .big { font: inherit; font-size: 3.4vh; min-width: 6.5vh; padding: 1.4vh 2vw; border-radius: 1vh;
               border: 1px solid #868e96; background: #343a40; color: inherit; cursor: pointer }
        .rating { width: min(8.5vh, 9.4vw); min-width: 0; padding: 1.4vh 0 }
        .big:hover, .big:focus { background: #495057 }
        .still { cursor: none }
        .still .big:hover { background: #343a40 }
      </component>
    </div>`,
  props: { first: Object },
  // still: the pointer rests where the last button was; it must not light one of the next.
  data() { return { view: this.first, still: true }; },
  computed: {
    seconds() {
      return this.view.countdown_s === null || this.view.clip ? null : Math.ceil(this.view.countdown_s);
    },
  },
  mounted() {
    this.$refs.root.focus();
    this.press = (event) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.key.length !== 1) return;
      if (this.view.asks_rating && event.key >= "0" && event.key <= "8") this.tell("rating", Number(event.key));
      else this.tell("key", event.key);
    };
    document.addEventListener("keydown", this.press);
    this.tryFilms();
    this.run();
  },
  unmounted() { document.removeEventListener("keydown", this.press); },
  methods: {
    show(view) {
      if (view.phase !== this.view.phase) this.still = true;
      this.view = view;
      this.$nextTick(() => this.run());
    },
    moved(event) { if (event.movementX || event.movementY) this.still = false; },
    // What this browser cannot play is told before anybody waits for it.
    tryFilms() {
      for (const url of this.first.films) {
        const film = document.createElement("video");
        film.preload = "metadata";
        film.onerror = () => this.tell("unplayable", [url, film.error.message || "code " + film.error.code]);
        film.src = url;
      }
    },
    // A film runs while it is asked for; one that the browser will not start is told, not hidden.
    run() {
      document.body.classList.toggle("is-over", ["done", "stopped"].includes(this.view.phase));
      const film = this.$refs.film;
      if (!film || film.ended || film.error) return;
      if (this.view.paused) film.pause();
      else if (film.paused) film.play().catch((error) => {
        if (error.name === "NotAllowedError") this.tell("failed", "the browser asks for a click first");
      });
    },
    tell(what, value) {
      this.$emit("did", { what, value: value === undefined ? null : value, trial: this.view.clip_trial });
    },
  },
};
