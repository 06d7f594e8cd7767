"use strict";
// Every text of the run becomes a text node or the value of an inert attribute; none is
// ever parsed as HTML, and the page's policy forbids it.

const data = JSON.parse(document.getElementById("data").textContent);
const report = data.report;

const PAGE_ROWS = 25;
const WAITING = "no result yet";
const [ROW, OUTCOME, ID, INPUT, OUTPUT, COST, ERROR, RAW, VALUES] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

const byId = (id) => document.getElementById(id);
const number = (value) => Number(value).toLocaleString("en");
const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function button(label, action) {
  const made = element("button", { type: "button" }, label);
  made.addEventListener("click", action);
  return made;
}

function dollars(value) {
  if (value === null) return "unknown";
  if (value === 0) return "$0";
  const digits =
    value && value < 0.01
      ? { maximumSignificantDigits: 3 }
      : { minimumFractionDigits: 2, maximumFractionDigits: 4 };
  return `$${Number(value).toLocaleString("en", digits)}`;
}

function percent(part, whole) {
  const value = (100 * part) / whole;
  if (value > 0 && value < 0.1) return "under 0.1 %";
  return `${part < whole ? Math.min(99.9, value).toFixed(1).replace(".0", "") : 100} %`;
}

function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = Math.max(0, units.findIndex(([size]) => seconds >= size));
  if (seconds < 60) return `${seconds} s`;
  const [[large, name], [small, rest]] = units.slice(first, first + 2);
  return `${Math.floor(seconds / large)} ${name} ${Math.floor((seconds % large) / small)} ${rest}`;
}

const moment = (text) => `${new Date(text).toISOString().slice(0, 16).replace("T", " ")} UTC`;

// ---- what the whole run did

function notes() {
  const found = [];
  if (report.state === "open") {
    found.push(
      `This run is open. The page shows what was known at ${moment(data.writtenAt)}, before` +
        " answers were checked against the response model; “batchwright view” writes it again.",
    );
  }
  if (report.state === "cancelled") found.push("This run was cancelled.");
  if (report.synthetic) {
    found.push(
      "The answers are synthetic: the sandbox made them up. The cost is the list price; nothing was paid.",
    );
  }
  const known = Object.values(data.outcomes).reduce((sum, count) => sum + count, 0);
  if (data.rows.length < known) {
    found.push(
      `Rows: a sample of ${number(data.rows.length)} out of ${number(known)}, because a page holds` +
        ` ${number(data.mostRows)} at most. Rows that did not succeed go first; the others are spread` +
        " evenly over the input. All figures count every row.",
    );
  }
  if (data.cut) {
    found.push(
      `Long texts are cut in ${plural(data.cut, "row")}. The run directory has them whole` +
        (report.state === "open" ? "." : `, and the table: ${report.output}`),
    );
  }
  return found;
}

function showHead() {
  document.title = `${data.name} · run report`;
  byId("name").textContent = data.name;
  const ended = report.ended_at ? ` · ended ${moment(report.ended_at)}` : "";
  byId("about").textContent =
    `${report.model} (${report.provider}) · started ${moment(report.started_at)}${ended}`;
  byId("notes").append(...notes().map((note) => element("p", { class: "note" }, note)));

  const until = new Date(report.ended_at || data.writtenAt);
  const figures = [
    ["Rows", number(report.rows)],
    ["Succeeded", number(data.outcomes.succeeded || 0)],
    ["Cost", dollars(report.cost_usd)],
    ["Input tokens", number(report.input_tokens)],
    ["Output tokens", number(report.output_tokens)],
    ["Time", duration(until - new Date(report.started_at))],
    [report.rounds ? `Batches, ${number(report.rounds + 1)} rounds` : "Batches", number(data.batchCount)],
  ];
  if (report.cache_read_tokens) figures.push(["From the prompt cache", number(report.cache_read_tokens)]);
  for (const [name, value] of figures) {
    byId("figures").append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  }
}

function outcomes() {
  const isGood = ([outcome]) => outcome === "succeeded";
  const counts = Object.entries(data.outcomes);
  counts.sort((one, other) => isGood(other) - isGood(one) || other[1] - one[1]);
  const waiting = report.rows - counts.reduce((sum, [, count]) => sum + count, 0);
  return waiting > 0 ? [...counts, [WAITING, waiting]] : counts;
}

const kind = (outcome) => `kind-${outcome.replaceAll(" ", "-")}`;

function showOutcomes() {
  const all = outcomes();
  for (const [outcome, count] of all) {
    const part = element("span", { class: `part ${kind(outcome)}` });
    part.style.flexGrow = count / report.rows;
    byId("bar").append(part);
    const label = [
      element("span", { class: `mark ${kind(outcome)}`, "aria-hidden": "true" }),
      element("strong", {}, outcome),
      ` ${number(count)} `,
      element("span", { class: "quiet" }, percent(count, report.rows)),
    ];
    const entry = element("li");
    if (outcome === WAITING) {
      entry.append(...label);
    } else {
      const choose = button("", () => show({ outcome, search: "" }));
      choose.setAttribute("title", `Show the rows with outcome ${outcome}`);
      choose.append(...label);
      entry.append(choose);
    }
    byId("legend").append(entry);
  }
  const words = all.map(([outcome, count]) => `${outcome} ${number(count)}`);
  byId("bar").setAttribute("aria-label", words.join(", ") || "no rows yet");
}

function showErrors() {
  byId("errors-section").hidden = !report.errors.length;
  for (const group of report.errors) {
    const place = group.example_place ? ` (${group.example_place})` : "";
    const example = `row ${number(group.example_row + 1)}${place}`;
    const isShown = data.rows.some((row) => row[ROW] === group.example_row);
    byId("errors").append(
      element(
        "li",
        {},
        element(
          "div",
          { class: "facts" },
          element("strong", {}, plural(group.count, "row")),
          badge(group.outcome),
          isShown
            ? button(`Show ${example}`, () => showRow(group.example_row))
            : element("span", { class: "quiet" }, `such as ${example}`),
        ),
        element("p", { class: "text", dir: "auto" }, group.error),
      ),
    );
  }
}

function histogram(title, format, { start, width, counts }) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const most = Math.max(...counts);
  const last = title === "Cost" ? 0 : 1; // tokens are whole numbers
  const from = (index) => format(start + index * width);
  const until = (index) => format(start + (index + 1) * width - last);
  const range = (index) => (from(index) === until(index) ? from(index) : `${from(index)} to ${until(index)}`);
  let below = 0;
  const middle = counts.findIndex((count) => (below += count) * 2 >= total);
  const summary = `Median ${range(middle)}, over ${plural(total, "row")}`;
  const bars = counts.map((count, index) => {
    const bar = element("span", { title: `${range(index)}: ${plural(count, "row")}` });
    bar.style.height = `${count && Math.max(2, (100 * count) / most)}%`;
    return bar;
  });
  return element(
    "figure",
    {},
    element("figcaption", {}, element("h3", {}, title), element("p", { class: "quiet" }, summary)),
    element("div", { class: "histogram", role: "img", "aria-label": `${title}: ${summary}` }, ...bars),
    element(
      "p",
      { class: "span quiet" },
      element("span", {}, from(0)),
      element("span", {}, until(counts.length - 1)),
    ),
  );
}

function showHistograms() {
  const all = [
    ["Input tokens", number, data.histograms._input_tokens],
    ["Output tokens", number, data.histograms._output_tokens],
    ["Cost", dollars, data.histograms._cost_usd],
  ].filter(([, , { counts }]) => counts.length);
  byId("histograms-section").hidden = !all.length;
  byId("histograms").append(...all.map((each) => histogram(...each)));
}

function showBatches() {
  const time = (text) => new Date(text).getTime();
  const now = time(report.ended_at || data.writtenAt);
  const sent = data.batches
    .filter((batch) => batch.created_at)
    .map((batch) => ({
      ...batch,
      from: time(batch.created_at),
      to: batch.ended_at ? time(batch.ended_at) : now,
    }));
  byId("batches-section").hidden = !sent.length;
  if (!sent.length) return;
  const start = Math.min(...sent.map(({ from }) => from));
  const stop = Math.max(start + 1000, ...sent.map(({ to }) => to));
  byId("span").append(element("span", {}, moment(start)), element("span", {}, moment(stop)));
  for (const batch of sent) {
    const bar = element("span", { class: batch.ended_at ? "run" : "run open" });
    const left = Math.min(99, (100 * (batch.from - start)) / (stop - start));
    const width = (100 * (batch.to - batch.from)) / (stop - start);
    bar.style.left = `${left}%`;
    bar.style.width = `${Math.max(1, Math.min(100 - left, width))}%`;
    const took = duration(batch.to - batch.from) + (batch.ended_at ? "" : " so far");
    const facts = ` ${batch.provider_status} · ${plural(batch.requests, "request")} · ${took} `;
    byId("batches").append(
      element(
        "li",
        {},
        element(
          "p",
          { class: "facts" },
          element("strong", {}, batch.unit),
          facts,
          element("code", {}, batch.batch_id || ""),
        ),
        element("div", { class: "track", "aria-hidden": "true" }, bar),
      ),
    );
  }
  if (data.batchCount > data.batches.length) {
    byId("more-batches").textContent =
      `The first ${number(data.batches.length)} of ${number(data.batchCount)}; “batchwright status” lists all.`;
  }
}

// ---- rows

const view = { search: "", outcome: "", page: 0, rows: data.rows };

const badge = (outcome) => element("span", { class: `badge ${kind(outcome)}` }, outcome);
const text = (value) => element("div", { class: "text", dir: "auto" }, value);

function rowText(row) {
  const said = (row[row.length - 1] || []).map(([, words]) => words);
  return [row[ID], ...row.slice(ERROR, -1), ...said].join("\n").toLowerCase();
}

function search() {
  const words = view.search.trim().toLowerCase();
  view.rows = data.rows.filter(
    (row) => (!view.outcome || row[OUTCOME] === view.outcome) && (!words || rowText(row).includes(words)),
  );
}

const message = (title, said) => element("div", { class: "message" }, element("h5", {}, title), text(said));

function promptOf(row) {
  const messages = row[row.length - 1];
  if (messages === null) {
    return [element("p", { class: "quiet" }, "The request is no longer in the run directory.")];
  }
  // The system text that all rows share is shown once, above them.
  return messages.filter(([, said]) => said !== null).map(([role, said]) => message(role || "request", said));
}

function answerOf(row) {
  const parts = data.columns
    .map((name, index) => [name, row[VALUES + index]])
    .filter(([, value]) => value !== null && value !== "");
  if (row[ERROR]) parts.push(["error", row[ERROR]]);
  if (row[RAW]) parts.push(["answer as received", row[RAW]]);
  if (!parts.length) return [element("p", { class: "quiet" }, "No answer.")];
  return parts.map(([name, value]) => message(name, value));
}

function card(row) {
  const facts = [];
  if (row[INPUT]) facts.push(`${number(row[INPUT])} tokens in, ${number(row[OUTPUT])} out`);
  if (row[COST]) facts.push(dollars(Number(row[COST])));
  const round = Number(row[ID].split("-")[2] || 0);
  if (round) facts.push(`round ${round + 1}`);
  return element(
    "article",
    { class: "row", tabindex: "-1", "data-row": row[ROW] },
    element(
      "header",
      {},
      element("h3", {}, `Row ${number(row[ROW] + 1)}`),
      badge(row[OUTCOME]),
      element("span", { class: "quiet" }, facts.join(" · ")),
      element("code", { class: "quiet" }, row[ID]),
    ),
    element(
      "div",
      { class: "sides" },
      element("section", {}, element("h4", {}, "Prompt"), ...promptOf(row)),
      element("section", {}, element("h4", {}, "Answer"), ...answerOf(row)),
    ),
  );
}

function draw() {
  const pages = Math.max(1, Math.ceil(view.rows.length / PAGE_ROWS));
  view.page = Math.min(Math.max(0, view.page), pages - 1);
  const start = view.page * PAGE_ROWS;
  byId("list").replaceChildren(...view.rows.slice(start, start + PAGE_ROWS).map(card));
  for (const node of byId("list").querySelectorAll(".text")) {
    if (node.scrollHeight > node.clientHeight) node.tabIndex = 0; // so that keys can scroll it
  }
  const all = plural(data.rows.length, "row");
  byId("found").textContent =
    view.rows.length === data.rows.length ? all : `${number(view.rows.length)} of ${all} found`;
  byId("page").textContent = `Page ${number(view.page + 1)} of ${number(pages)}`;
  byId("first").disabled = byId("previous").disabled = view.page === 0;
  byId("next").disabled = byId("last").disabled = view.page === pages - 1;
}

function show(change) {
  filter(change);
  byId("search").value = view.search;
  byId("outcome").value = view.outcome;
  byId("rows").scrollIntoView();
  byId("rows").focus({ preventScroll: true });
}

function showRow(wanted) {
  show({ search: "", outcome: "" });
  view.page = Math.floor(data.rows.findIndex((row) => row[ROW] === wanted) / PAGE_ROWS);
  draw();
  const shown = document.querySelector(`[data-row="${Number(wanted)}"]`);
  shown.scrollIntoView();
  shown.focus({ preventScroll: true });
}

function turn(change) {
  view.page = change(view.page);
  draw();
  byId("rows").scrollIntoView();
}

function filter(change) {
  Object.assign(view, change, { page: 0 });
  search();
  draw();
}

function listen() {
  const names = Object.keys(data.outcomes);
  byId("outcome").append(
    element("option", { value: "" }, "all"),
    ...names.map((outcome) => element("option", { value: outcome }, outcome)),
  );
  let timer = 0;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => filter({ search: event.target.value }), 150);
  });
  byId("outcome").addEventListener("change", (event) => filter({ outcome: event.target.value }));
  byId("first").addEventListener("click", () => turn(() => 0));
  byId("previous").addEventListener("click", () => turn((page) => page - 1));
  byId("next").addEventListener("click", () => turn((page) => page + 1));
  byId("last").addEventListener("click", () => turn(() => Infinity));
  byId("system").hidden = data.system === null;
  byId("system").append(text(data.system || ""));
}

showHead();
showOutcomes();
showErrors();
showHistograms();
showBatches();
listen();
draw();
