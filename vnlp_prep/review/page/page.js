// The page of a review: what is shown, keys, decisions.

import * as api from "./api.js";
import { VirtualList } from "./list.js";
import { change, counted, element, inContext, inOneLine, percent, visible } from "./text.js";
import { TryIt } from "./try.js";

const $ = (id) => document.getElementById(id);
const CHUNK = 2000; // groups of one request
const SYMBOLS = { accepted: "✓", rejected: "✕", kept: "★", replaced: "✎" };
const SAID = {
  accepted: (g) => `“${g.before}” is always corrected to “${g.after}”`,
  rejected: (g) => `“${g.before}” stays as it is`,
  kept: (g) => `“${g.before}” is one of your words, and stays`,
  replaced: (g, by) => `“${g.before}” is always replaced by “${by}”`,
};

const all = [];
let state = null;
let current = null; // the selected group

// The table

const list = new VirtualList($("list"), $("rows"), {
  make() {
    const row = element("div", "row");
    row.setAttribute("role", "row");
    for (const name of ["sign", "what", "context", "source", "sure number", "count number"]) {
      const cell = element("div", name);
      cell.setAttribute("role", "gridcell");
      row.append(cell);
    }
    return row;
  },
  fill(row, group) {
    const [sign, what, context, source, sure, count] = row.children;
    const kind = group.decision?.[0] ?? "";
    row.dataset.decision = kind;
    row.classList.toggle("suggestion", group.suggestion);
    sign.textContent = SYMBOLS[kind] ?? "";
    sign.setAttribute("aria-label", kind || (group.is_word ? "to decide" : "no word"));
    what.replaceChildren(...change(group.before, group.after));
    context.replaceChildren(...(group.example ? inOneLine(group.example) : []));
    const chip = element("span", `chip stage-${group.stage}`, group.stage);
    source.replaceChildren(element("span", "", chip, group.suggestion ? element("span", "chip only", "suggested") : ""), element("small", "", group.rule));
    sure.textContent = percent(group.confidence);
    sure.classList.toggle("unsure", group.confidence < 0.75);
    count.textContent = group.count.toLocaleString("en");
  },
  onSelect: (group) => {
    current = group;
    showDetail(group);
    if (group) sessionStorage.setItem("selected", group.number);
  },
});

// What is in the table

const ORDERS = {
  weight: (a, b) => a.number - b.number,
  count: (a, b) => b.count - a.count || a.number - b.number,
  sure: (a, b) => a.confidence - b.confidence || a.number - b.number,
  word: (a, b) => a.sorted.localeCompare(b.sorted) || a.number - b.number,
};
const IN = {
  open: (g) => g.is_word && !g.decision,
  decided: (g) => Boolean(g.decision),
  others: (g) => !g.is_word,
  all: () => true,
};
const which = () => document.querySelector("input[name=which]:checked").value;

function showFiltered(select) {
  const asked = $("search").value.trim().toLowerCase();
  const [stage, rule, kind] = ["stage", "rule", "kind"].map((id) => $(id).value);
  const isIn = IN[which()];
  const found = all.filter(
    (g) =>
      isIn(g) &&
      (!stage || g.stage === stage) &&
      (!rule || g.rule === rule) &&
      (!kind || (kind === "suggestion") === g.suggestion) &&
      (!asked || g.searched.includes(asked)),
  );
  const order = ORDERS[$("order").value];
  // What is looked for among the words themselves comes before what only has it around.
  const isAround = (g) => Number(Boolean(asked) && !g.named.includes(asked));
  found.sort((a, b) => isAround(a) - isAround(b) || order(a, b));
  const at = select ? found.indexOf(select) : -1;
  list.show(found, found.length ? Math.max(0, at) : -1);
  $("shown").textContent = counted(found.length, "change");
  $("empty").hidden = found.length > 0;
  if (!found.length) {
    const isDone = which() === "open" && state?.words > 0 && state.decided >= state.words && !asked;
    const title = isDone ? "All decided" : all.length ? "Nothing here" : "No changes";
    const text = isDone ? "Your list of words has it all. Clean with it, and close this page." : all.length ? "No change fits what you look for." : "Cleaning changes nothing in this corpus.";
    $("empty").replaceChildren(element("b", "", title), element("p", "", text));
  }
}

function fillSelect(id, values, first) {
  const chosen = $(id).value;
  const options = [...values].sort(([a], [b]) => a.localeCompare(b));
  $(id).replaceChildren(new Option(first, ""), ...options.map(([value, n]) => new Option(`${value} (${n})`, value)));
  if (values.has(chosen)) $(id).value = chosen;
}

function fillSelects() {
  const [stages, rules] = [new Map(), new Map()];
  for (const g of all) {
    stages.set(g.stage, (stages.get(g.stage) ?? 0) + 1);
    if (!$("stage").value || g.stage === $("stage").value) rules.set(g.rule, (rules.get(g.rule) ?? 0) + 1);
  }
  fillSelect("stage", stages, "All stages");
  fillSelect("rule", rules, "All rules");
}

// The selected change

let detailAsked = 0;

async function showDetail(group) {
  $("detail").hidden = !group;
  $("replace").hidden = true;
  if (!group) return;
  const kind = group.suggestion ? "only suggested" : "made";
  $("d-tags").replaceChildren(element("span", `chip stage-${group.stage}`, group.stage), ` ${group.rule} · ${kind}`);
  $("d-change").replaceChildren(...change(group.before, group.after));
  $("d-facts").textContent = `${counted(group.count, "place")} in ${counted(group.records, "record")} · ${percent(group.confidence)} sure`;
  showVerdict(group);
  $("d-examples").replaceChildren(...(group.example ? [example(group.example)] : []));
  $("d-where").hidden = !group.example;
  $("d-forms-box").hidden = true;
  document.querySelector(".detail-scroll").scrollTop = 0;
  const number = (detailAsked += 1);
  try {
    group.details ??= await api.group(group.number);
  } catch (error) {
    return fail(error);
  }
  if (number !== detailAsked) return;
  $("d-examples").replaceChildren(...group.details.examples.map(example));
  const forms = group.details.forms;
  $("d-forms-box").hidden = forms.length < 2;
  $("d-forms").replaceChildren(...forms.map(([before, after, n]) => element("span", "form", ...change(before, after), element("small", "", ` ${n}`))));
}

function showVerdict(group) {
  const [kind, by] = group.decision ?? [];
  for (const button of $("d-choices").children) button.setAttribute("aria-pressed", button.dataset.decision === kind);
  $("d-choices").hidden = !group.is_word;
  $("d-nothing").hidden = group.is_word;
  $("d-verdict").hidden = !kind;
  if (!kind) return;
  const clear = element("button", "quiet", "Take back ", element("kbd", "", "x"));
  clear.type = "button";
  clear.addEventListener("click", () => decide("none"));
  $("d-verdict").dataset.decision = kind;
  $("d-verdict").replaceChildren(element("span", "", `${SYMBOLS[kind]} ${SAID[kind](group, by)}`), clear);
}

function example(e) {
  const place = [e.file, `line ${e.line}`, e.field].filter((part) => part !== null && part !== undefined).join(" · ");
  const tryThis = element("button", "quiet small", "Try it");
  tryThis.type = "button";
  tryThis.addEventListener("click", () => tryIt.open(e.before_context + e.before + e.after_context));
  return element("li", "", element("p", "quote", ...inContext(e)), element("p", "place", element("span", "", ...visible(place)), tryThis));
}

// Decisions: one after the other, in the order in which they were made

let queue = Promise.resolve();
let waiting = 0;

function later(work, group) {
  waiting += 1;
  $("saved").textContent = "saving…";
  queue = queue
    .then(work)
    .catch((error) => fail(error, group))
    .finally(() => {
      waiting -= 1;
      if (!waiting) $("saved").textContent = "saved";
    });
  return queue;
}

function decide(kind, replacement = "") {
  const group = current;
  if (!group) return;
  if (!group.is_word) return toast("This change is not one of a word: nothing to decide");
  if (kind === "none" && !group.decision) return toast("Nothing is decided about this word");
  if (kind !== "none") list.select(nextToDecide());
  later(async () => {
    const answer = await api.decide(group.number, kind, replacement);
    take(answer);
    const said = kind === "none" ? `“${group.before}” is to be decided again` : SAID[kind](group, group.decision?.[1] ?? replacement);
    toast(`${said}: ${counted(group.count, "place")}, ${counted(group.records, "record")}`);
  }, group);
}

/** Where the next change is that is to be decided; the next one at all if none is. */
function nextToDecide() {
  const next = list.items.findIndex((group, at) => at > list.selected && IN.open(group));
  return next < 0 ? list.selected + 1 : next;
}

function undo() {
  later(async () => {
    const answer = await api.undo();
    take(answer);
    const group = all[answer.group];
    if (!group) return toast("Nothing to undo");
    goTo(group);
    toast(`Undone: “${group.before}”`);
  });
}

/** Take over what is another now. */
function take({ changed, state: now }) {
  const touched = new Set();
  for (const [number, decision] of Object.entries(changed)) {
    all[number].decision = decision;
    touched.add(all[number]);
  }
  list.refresh(touched);
  if (current && touched.has(current)) showVerdict(current);
  showState(now);
}

/** Select a group, whatever is filtered. */
function goTo(group) {
  const at = list.items.indexOf(group);
  if (at >= 0) return list.select(at);
  document.querySelector("input[name=which][value=all]").checked = true;
  for (const id of ["search", "stage", "rule", "kind"]) $(id).value = "";
  showFiltered(group);
}

function showState(now) {
  state = now;
  const n = (value) => value.toLocaleString("en");
  $("progress-done").textContent = n(now.decided);
  $("progress-all").textContent = n(now.words);
  $("bar").setAttribute("aria-valuemax", Math.max(1, now.words));
  $("bar").setAttribute("aria-valuenow", now.decided);
  $("bar-fill").style.width = `${now.words ? (100 * now.decided) / now.words : 0}%`;
  $("effect-changes").textContent = n(now.changes_now);
  for (const name of ["more", "fewer", "otherwise"]) {
    const { places, records } = now.effect[name];
    const sign = places ? { more: "+", fewer: "−", otherwise: "" }[name] : "";
    $(`effect-${name}`).textContent = sign + n(places);
    $(`effect-${name}`).title = `${counted(places, "place")} in ${counted(records, "record")} at most`;
    $(`effect-${name}`).parentElement.classList.toggle("zero", !places);
  }
  $("effect-records").replaceChildren(n(now.records_touched), element("small", "", ` of ${n(now.records)}`));
  $("undo").disabled = !now.can_undo;
  $("n-open").textContent = n(now.words - now.decided);
  $("n-decided").textContent = n(now.decided);
  $("n-others").textContent = n(now.groups - now.words);
  $("n-all").textContent = n(now.groups);
}

// What is said

let toastTimer;

function toast(message) {
  $("toast").textContent = message;
  $("toast").classList.add("shown");
  $("alert").hidden = true;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => $("toast").classList.remove("shown"), 4000);
}

async function fail(error, group) {
  $("alert-text").textContent = error.message;
  $("alert").hidden = false;
  if (group && list.items.includes(group)) list.select(list.items.indexOf(group));
  if (error.reload) await load();
}

$("alert-close").addEventListener("click", () => ($("alert").hidden = true));

// Keys and buttons

const tryIt = new TryIt();

function openReplace() {
  if (!current?.is_word) return decide("replaced");
  $("replace").hidden = false;
  $("replacement").value = current.decision?.[1] || current.after;
  $("replacement").focus();
  $("replacement").select();
}

function closeReplace() {
  $("replace").hidden = true;
  $("list").focus({ preventScroll: true });
}

$("replace").addEventListener("submit", (event) => {
  event.preventDefault();
  const by = $("replacement").value.trim();
  closeReplace();
  if (by) decide(by === current.after ? "accepted" : "replaced", by);
});
$("replace-cancel").addEventListener("click", closeReplace);
$("d-choices").addEventListener("click", (event) => {
  const kind = event.target.closest("button")?.dataset.decision;
  if (kind === "replaced") openReplace();
  else if (kind) decide(kind);
});
$("undo").addEventListener("click", undo);
$("try-open").addEventListener("click", () => tryIt.open());
$("help-open").addEventListener("click", () => $("help").showModal());

const KEYS = {
  j: () => list.select(list.selected + 1),
  ArrowDown: () => list.select(list.selected + 1),
  k: () => list.select(list.selected - 1),
  ArrowUp: () => list.select(list.selected - 1),
  PageDown: () => list.select(list.selected + list.perPage),
  PageUp: () => list.select(list.selected - list.perPage),
  Home: () => list.select(0),
  End: () => list.select(list.items.length - 1),
  a: () => decide("accepted"),
  r: () => decide("rejected"),
  K: () => decide("kept"),
  i: () => decide("kept"),
  e: openReplace,
  x: () => decide("none"),
  u: undo,
  t: () => tryIt.open(),
  "/": () => $("search").select(),
  "?": () => $("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const { target } = event;
  const isTyping = target.matches("input:not([type=radio]), textarea, select");
  if (event.key === "Escape" && isTyping) {
    if (target.id === "search" && target.value) {
      target.value = "";
      showFiltered(current);
    }
    closeReplace();
    event.preventDefault();
  } else if (target.id === "search" && ["Enter", "ArrowDown"].includes(event.key)) {
    $("list").focus();
    event.preventDefault();
  } else if (!isTyping && KEYS[event.key] && !(target.matches("[type=radio]") && event.key.startsWith("Arrow"))) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

$("search").addEventListener("input", () => showFiltered());
for (const id of ["kind", "order", "rule"]) $(id).addEventListener("change", () => showFiltered(current));
$("stage").addEventListener("change", () => {
  fillSelects();
  showFiltered(current);
});
document.querySelector(".tabs").addEventListener("change", () => {
  showFiltered(current);
  $("list").focus({ preventScroll: true });
});

// Loading

async function load() {
  const found = [];
  let answer;
  try {
    do {
      answer = await api.groups(found.length, CHUNK);
      found.push(...answer.groups);
    } while (found.length < answer.total && answer.groups.length);
  } catch (error) {
    return fail(error);
  }
  for (const group of found) {
    group.sorted = group.before.toLowerCase();
    const e = group.example;
    group.named = `${group.before} → ${group.after}`.toLowerCase();
    group.searched = `${group.named} ${group.rule} ${e ? e.before_context + e.before + e.after_context : ""}`.toLowerCase();
  }
  all.splice(0, all.length, ...found);
  $("file").textContent = $("help-file").textContent = answer.file;
  document.title = `${answer.file} - review - vnlp-prep`;
  fillSelects();
  showState(answer.state);
  showFiltered(all[sessionStorage.getItem("selected")]);
  $("list").focus({ preventScroll: true });
  document.body.dataset.ready = "true";
}

// The secret of the address is not needed any more: the cookie has it.
if (location.search) history.replaceState(null, "", location.pathname);
load();
