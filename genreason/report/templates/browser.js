// Filters, the list of samples, and the facts about the one that is chosen.

const PAGE = 150;
const GROUPS = ["rules", "objects", "scene", "camera"];
const filters = element("filters");
const fields = ["status", "run", "task", "level", "style", "check"];
const rows = index.rows.map((row, number) => {
  const instance = index.instances[row.instance];
  const broken = Object.keys(row.checks).filter((name) => row.checks[name] < 1);
  const run = index.runs[row.run].name;
  const title = instance.id + (row.k ? `, clip ${row.k}` : "");
  const words = [title, run, instance.prompt, row.reason, ...row.violations.flatMap((v) => [v.check, v.what])];
  return {
    ...row, number, title, runName: run, record: instance, broken, text: words.join(" ").toLowerCase(),
    values: { status: row.status, run: String(row.run), task: instance.task, level: instance.level, style: instance.style },
  };
});
// Failing clips first within each run's turn: they are what one comes to look at.
const RANK = { fail: 0, unscored: 1, pass: 2 };
rows.sort((a, b) => Boolean(index.runs[a.run].expect) - Boolean(index.runs[b.run].expect)
  || RANK[a.status] - RANK[b.status] || a.record.id.localeCompare(b.record.id) || a.run - b.run || a.k - b.k);
let matching = rows;
let shown = PAGE;
let chosen = null;

function make(tag, text = "", name = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (name) node.className = name;
  return node;
}

function fillFilters() {
  for (const field of fields) {
    const select = filters.elements[field];
    const values = new Set(rows.flatMap((row) => (field === "check" ? row.broken : [row.values[field]])));
    const sorted = [...values].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    for (const value of sorted) select.append(new Option(field === "run" ? index.runs[value].name : value, value));
    select.closest("label").hidden = values.size < 2 && field !== "check" && field !== "status";
  }
}

function applyFilters() {
  const wanted = Object.fromEntries(fields.map((field) => [field, filters.elements[field].value]));
  const text = filters.elements.text.value.trim().toLowerCase();
  matching = rows.filter((row) => (!text || row.text.includes(text))
    && fields.every((f) => !wanted[f] || (f === "check" ? row.broken.includes(wanted.check) : row.values[f] === wanted[f])));
  shown = PAGE;
  listRows();
  if (!matching.includes(chosen)) choose(matching[0] ?? null);
}

function listRows() {
  const noun = rows.length === 1 ? "clip" : "clips";
  element("count").textContent = matching.length === rows.length
    ? `${rows.length.toLocaleString("en")} ${noun}`
    : `${matching.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} ${noun}`;
  element("rows").replaceChildren(...matching.slice(0, shown).map((row) => {
    const button = make("button");
    button.type = "button";
    button.dataset.number = row.number;
    if (row === chosen) button.setAttribute("aria-current", "true");
    const place = [index.runs.length > 1 ? row.runName : "", row.record.level, row.record.style].filter(Boolean);
    button.append(make("span", row.title, "name"), make("span", row.status, `status ${row.status}`),
      make("span", place.join(" · "), "line"));
    const why = row.violations[0]?.what ?? row.reason;
    if (why) button.append(make("span", why, "line"));
    button.addEventListener("click", () => choose(row, true));
    const item = make("li");
    item.append(button);
    return item;
  }));
  element("more").hidden = matching.length <= shown;
  if (!matching.length) element("rows").append(make("li", "No clip matches these filters.", "count"));
}

function choose(row, byHand = false) {
  chosen = row;
  element("viewer").hidden = row === null;
  for (const button of element("rows").querySelectorAll("button")) {
    button.toggleAttribute("aria-current", false);
    if (row && Number(button.dataset.number) === row.number) button.setAttribute("aria-current", "true");
  }
  if (row === null) { player.pause(); return; }
  showFacts(row);
  player.load(row, row.number);
  if (byHand) {
    history.replaceState(null, "", `#sample-${row.number}`);
    if (element("viewer").getBoundingClientRect().top > innerHeight * 0.6) element("viewer").scrollIntoView();
  }
}

function showFacts(row) {
  const { record } = row;
  element("v-title").replaceChildren(row.title, make("span", row.status, `status ${row.status}`));
  const facts = [row.runName, index.runs[row.run].judge, record.task, record.level, record.style, `split ${record.split}`];
  element("v-sub").textContent = facts.join(" · ");
  element("reason").textContent = row.reason;
  element("prompt").textContent = record.prompt;
  element("violations").replaceChildren(...row.violations.map(violationRow));
  if (!row.violations.length) element("violations").append(make("li", "none", "sub"));
  element("checks").parentElement.hidden = !Object.keys(row.checks).length;
  const order = ([name]) => GROUPS.indexOf(name.split(".")[0]) + 1 || GROUPS.length + 1;
  const checks = Object.entries(row.checks).sort((a, b) => order(a) - order(b) || a[0].localeCompare(b[0]));
  element("checks").replaceChildren(...checks.map(([name, value]) => {
    const item = make("li", name);
    item.append(make("span", value >= 1 ? "holds" : value > 0 ? value.toFixed(2) : "broken", `status ${value >= 1 ? "pass" : "fail"}`));
    return item;
  }));
  definitions(element("metrics"), row.metrics);
  definitions(element("meta"), row.meta);
}

function violationRow(violation) {
  const button = make("button");
  button.type = "button";
  const body = make("span", violation.what);
  body.append(make("code", violation.check));
  button.append(make("span", `${violation.seconds.toFixed(2)} s`, "t"), body);
  button.addEventListener("click", () => player.seekFrame(player.frame(violation.seconds)));
  const item = make("li");
  item.append(button);
  return item;
}

function definitions(list, values) {
  list.parentElement.hidden = list.parentElement.childElementCount === 2 && !Object.keys(values).length;
  list.replaceChildren(...Object.entries(values).map(([name, value]) => {
    const pair = make("div");
    pair.append(make("dt", name), make("dd", typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value)));
    return pair;
  }));
}

function turn(step) {
  const next = matching[matching.indexOf(chosen) + step];
  if (!next) return;
  if (matching.indexOf(next) >= shown) { shown += PAGE; listRows(); }
  choose(next, true);
  element("rows").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

function showRun(run) {
  for (const panel of document.querySelectorAll(".panel")) panel.hidden = panel.dataset.run !== run;
  for (const select of document.querySelectorAll("[data-pick-run]")) select.value = run;
}

function onKey(event) {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || chosen === null) return;
  const busy = target.matches("input:not([type=range]), select, textarea, summary, a");
  const actions = {
    " ": () => player.toggle(), ArrowLeft: () => player.seekFrame(player.frame() - 1),
    ArrowRight: () => player.seekFrame(player.frame() + 1), j: () => turn(1), k: () => turn(-1),
  };
  const action = actions[event.key];
  // The browser's own use of space on a focused button comes first; elsewhere space plays.
  if (!action || busy || (event.key === " " && target.matches("button"))) return;
  event.preventDefault();
  action();
}

fillFilters();
filters.addEventListener("input", applyFilters);
filters.addEventListener("reset", () => setTimeout(applyFilters));
filters.addEventListener("submit", (event) => event.preventDefault());
element("more").addEventListener("click", () => { shown += PAGE; listRows(); });
element("prev").addEventListener("click", () => turn(-1));
element("next").addEventListener("click", () => turn(1));
document.addEventListener("keydown", onKey);
for (const select of document.querySelectorAll("[data-pick-run]")) {
  select.addEventListener("change", () => showRun(select.value));
}
for (const link of document.querySelectorAll("[data-show-run]")) {
  link.addEventListener("click", () => showRun(link.dataset.showRun));
}
for (const button of document.querySelectorAll("[data-filter-check]")) {
  button.addEventListener("click", () => {
    filters.reset(); // its event applies the filters once this has set them
    filters.elements.run.value = button.dataset.filterRun;
    filters.elements.check.value = button.dataset.filterCheck;
    element("samples").scrollIntoView();
  });
}
const linked = /^#sample-(\d+)$/.exec(location.hash);
applyFilters();
if (linked) {
  const row = rows.find((candidate) => candidate.number === Number(linked[1]));
  if (row) { choose(row); element("samples").scrollIntoView(); }
}
