"use strict";
// Truth and clip in step on one clock, with what the judge perceived drawn over the clip.

const element = (id) => document.getElementById(id);
const blob = (id) => JSON.parse(element(id)?.textContent ?? "null");
const index = blob("index");
const COLOURS = ["#ffb000", "#35c8f5", "#ff5fa2", "#8fe05a", "#b892ff", "#ff8a4c", "#4de0b8", "#d9d94a"];

const player = {
  time: 0, duration: 0, fps: 24, playing: false, row: null, evidence: null, urls: [],
  truth: document.querySelector("#f-truth video"),
  clip: document.querySelector("#f-clip video"),
  overlay: element("overlay"),

  // A URL for a file of the page: made on demand from the embedded text, or the link to the file.
  url(number) {
    if (number === null) return null;
    const { type, href } = index.media[number];
    if (href) return href;
    const bytes = Uint8Array.from(atob(blob(`m${number}`)), (letter) => letter.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type }));
    this.urls.push(url);
    return url;
  },

  load(row, number) {
    this.pause();
    this.urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
    this.row = row;
    this.evidence = blob(`e${number}`);
    const instance = index.instances[row.instance];
    this.fps = this.evidence?.fps || instance.fps || 24;
    this.time = 0;
    this.duration = 0;
    this.media("f-frame", instance.frame);
    this.media("f-truth", instance.truth);
    this.media("f-clip", row.clip);
    element("f-frame").querySelector("figcaption span").textContent = instance.size.join(" × ");
    this.prepareOverlay(instance);
    this.measure();
  },

  media(id, number) {
    const figure = element(id);
    const screen = figure.querySelector("img, video");
    const url = this.url(number);
    figure.classList.toggle("empty", url === null);
    figure.querySelector(".absent").textContent = id === "f-clip" ? "no clip" : "not in the data folder";
    figure.querySelector("figcaption span").textContent = "";
    if (url === null) screen.removeAttribute("src");
    else screen.src = url;
    if (url === null && screen.load) screen.load();
  },

  // The clock runs as long as the longer of the two.
  measure() {
    const lengths = [this.truth, this.clip].map((video) => (video.src && video.duration) || 0);
    this.duration = Math.max(0, ...lengths.filter(Number.isFinite));
    const scrub = element("scrub");
    scrub.max = this.duration;
    scrub.step = 1 / this.fps;
    element("ticks").replaceChildren(...this.row.violations.map((violation) => {
      const tick = document.createElement("i");
      tick.style.left = `${this.duration ? Math.min(100, (100 * violation.seconds) / this.duration) : 0}%`;
      return tick;
    }));
    this.draw();
  },

  videos() {
    return [this.clip, this.truth].filter((video) => video.src && video.readyState > 0 && !video.error);
  },

  master() {
    return this.videos().reduce((a, b) => (a && a.duration >= b.duration ? a : b), null);
  },

  frame(seconds = this.time) {
    // Verdicts give times to a millisecond: a tenth of a frame keeps the rounding from falling into the frame before.
    const frames = Math.max(1, Math.round(this.duration * this.fps));
    return Math.min(frames - 1, Math.floor(seconds * this.fps + 0.1));
  },

  // Land in the middle of a frame, so that rounding in the decoder cannot show its neighbour.
  seekFrame(frame) {
    this.pause();
    const last = Math.max(0, Math.round(this.duration * this.fps) - 1);
    this.seek((Math.min(last, Math.max(0, frame)) + 0.5) / this.fps);
  },

  seek(seconds) {
    this.time = Math.min(Math.max(0, seconds), this.duration);
    for (const video of this.videos()) video.currentTime = Math.min(this.time, video.duration - 0.5 / this.fps);
    this.draw();
  },

  async play() {
    const videos = this.videos();
    if (!videos.length) return;
    if (this.time >= this.duration - 1 / this.fps) this.seek(0);
    this.playing = true;
    this.showState();
    const running = videos.filter((video) => this.time < video.duration - 1 / this.fps);
    for (const video of running) video.playbackRate = this.speed();
    try {
      await Promise.all(running.map((video) => video.play()));
    } catch (error) {
      if (error.name !== "AbortError") throw error; // paused or another sample chosen before it began
    }
    requestAnimationFrame(() => this.tick());
  },

  pause() {
    this.playing = false;
    this.truth.pause();
    this.clip.pause();
    this.showState();
  },

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  },

  tick() {
    if (!this.playing) return;
    const master = this.master();
    if (!master) return;
    this.time = master.currentTime;
    for (const video of this.videos()) this.follow(video, master);
    if (master.ended) {
      this.time = this.duration;
      this.pause();
    }
    this.draw();
    if (this.playing) requestAnimationFrame(() => this.tick());
  },

  // Small drift is made up by speed, which no one sees; a seek costs a stutter and is for large drift only.
  follow(video, master) {
    if (video === master || video.ended || video.seeking) return;
    const drift = this.time - video.currentTime;
    if (Math.abs(drift) > 0.2 && this.time < video.duration) video.currentTime = this.time;
    const nudge = Math.abs(drift) > 0.01 ? Math.max(-0.3, Math.min(0.3, drift * 4)) : 0;
    video.playbackRate = this.speed() * (1 + nudge);
  },

  speed() {
    return Number(element("speed").value);
  },

  showState() {
    const button = element("play");
    button.classList.toggle("playing", this.playing);
    button.setAttribute("aria-label", this.playing ? "Pause" : "Play");
  },

  // From first-frame pixels to clip pixels: the judge's own map where it has one, else plain scaling.
  place([x, y]) {
    const { view, size, clip_size: clip } = this.evidence;
    if (view) return view.map(([a, b, c]) => a * x + b * y + c);
    return clip && size ? [(x * clip[0]) / size[0], (y * clip[1]) / size[1]] : [x, y];
  },

  prepareOverlay(instance) {
    const evidence = (this.evidence ??= {});
    evidence.size ??= instance.size;
    evidence.clip_size ??= evidence.size;
    const [width, height] = evidence.clip_size;
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.tracks = Object.entries(evidence.track ?? {}).map(([name, points], i) => ({
      name, colour: COLOURS[i % COLOURS.length], points: points.map((point) => point && this.place(point)),
    }));
    element("legend").replaceChildren(...this.tracks.map(({ name, colour }) => {
      const item = document.createElement("span");
      const key = document.createElement("i");
      key.style.background = colour;
      item.append(key, name);
      return item;
    }));
  },

  draw() {
    const shown = this.frame();
    element("scrub").value = this.time;
    const seconds = this.duration ? Math.min(shown / this.fps, this.duration) : 0;
    element("clock").textContent = `${seconds.toFixed(2)} / ${this.duration.toFixed(2)} s, frame ${shown}`;
    element("scrub").setAttribute("aria-valuetext", `${seconds.toFixed(2)} seconds, frame ${shown}`);
    const visible = element("show").checked;
    const seen = this.row ? this.row.violations.filter((v) => this.frame(v.seconds) <= shown) : [];
    this.overlay.replaceChildren(...(visible ? [...this.drawTracks(shown), ...this.drawSpots(seen, shown)] : []));
    const latest = seen.at(-1);
    element("flag").textContent = latest ? `${latest.seconds.toFixed(2)} s: ${latest.what}` : "";
    this.overlay.parentElement.classList.toggle("broken", Boolean(latest));
    element("violations").querySelectorAll("button").forEach((button, i) => {
      button.classList.toggle("active", this.row.violations[i] === latest);
    });
  },

  drawTracks(shown) {
    const shapes = [];
    const paths = this.tracks.map(({ points, colour }) => [trail(points.slice(0, shown + 1)), colour]);
    for (const [path] of paths) shapes.push(shape("path", { class: "case", d: path }));
    for (const [path, colour] of paths) shapes.push(shape("path", { class: "line", d: path, stroke: colour }));
    for (const { points, colour } of this.tracks) {
      const point = points[Math.min(shown, points.length - 1)];
      if (point) shapes.push(this.ring(point, 4, { fill: colour, stroke: "#000b", "stroke-width": 1.5 }));
    }
    return shapes;
  },

  drawSpots(seen, shown) {
    return seen.filter((v) => v.where).flatMap((v) => {
      // A new mark starts wide and closes in on its place, so that the eye finds it.
      const age = Math.max(0, shown - this.frame(v.seconds));
      const radius = 11 + 14 * Math.max(0, 1 - age / (0.4 * this.fps));
      const point = this.place(v.where);
      return [this.ring(point, radius, { class: "spot-case" }), this.ring(point, radius, { class: "spot" })];
    });
  },

  // A circle whose radius is in screen pixels, whatever the clip is scaled by.
  ring([x, y], radius, attributes) {
    const [width, height] = this.evidence.clip_size;
    const box = this.overlay.getBoundingClientRect();
    const scale = [width / (box.width || width), height / (box.height || height)];
    return shape("ellipse", { cx: x, cy: y, rx: radius * scale[0], ry: radius * scale[1], ...attributes });
  },
};

function shape(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// An SVG path through the points; where the object was not seen the line breaks.
function trail(points) {
  let pen = false;
  return points.map((point) => {
    if (!point) { pen = false; return ""; }
    const step = `${pen ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = true;
    return step;
  }).join("");
}

for (const video of [player.truth, player.clip]) {
  const figure = video.closest("figure");
  video.addEventListener("loadedmetadata", () => {
    const caption = `${video.videoWidth} × ${video.videoHeight}, ${video.duration.toFixed(2)} s`;
    figure.querySelector("figcaption span").textContent = caption;
    player.measure();
    player.seek(player.time);
  });
  video.addEventListener("error", () => {
    if (!video.getAttribute("src")) return;
    figure.classList.add("empty");
    figure.querySelector(".absent").textContent = "this browser cannot play the file, or it is no longer there";
  });
}
document.querySelector("#f-frame img").addEventListener("error", () => element("f-frame").classList.add("empty"));
new ResizeObserver(() => player.row && player.draw()).observe(player.overlay);
element("play").addEventListener("click", () => player.toggle());
element("back").addEventListener("click", () => player.seekFrame(player.frame() - 1));
element("forth").addEventListener("click", () => player.seekFrame(player.frame() + 1));
element("scrub").addEventListener("input", (event) => player.seekFrame(Math.round(event.target.value * player.fps)));
element("show").addEventListener("change", () => player.draw());
element("speed").addEventListener("change", () => {
  for (const video of player.videos()) video.playbackRate = player.speed();
});
