// The page of the simulated telephones. The server sends phones that changed; everything here is drawn from them.
import { Ringer, speak } from "/static/sound.js";

const ROLES = {
  duty: "值班员 Duty",
  duty_lead: "值班组长 Duty lead",
  grid: "网格员 Grid worker",
  family: "家属 Family",
  doctor: "医生 Doctor",
  admin: "管理员 Admin",
  care: "护理员 Care worker",
  care_worker: "护理员 Care worker",
  volunteer: "志愿者 Volunteer",
  clinic: "医院 Clinic",
};
const ENDED = {
  completed: "已通话 Call ended",
  busy: "已拒接 Declined",
  "no-answer": "未接来电 Missed call",
  canceled: "对方已取消 Cancelled",
  failed: "呼叫失败 Call failed",
};
const SMS = {
  queued: "排队 queued",
  sent: "已发出 sent",
  delivered: "已送达 delivered",
  undelivered: "未送达 undelivered",
  failed: "发送失败 failed",
  received: "",
};
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const QUICK = [
  ["1", "1 我去 I am going"],
  ["9", "9 去不了 I cannot"],
];
const QUICK_DESK = [
  ["1", "1 在处理 I am handling it"],
  ["3", "3 我去 I am going"],
  ["9", "9 不能 I cannot"],
];
const DESK = ["duty", "duty_lead"];

const phones = new Map();
const seen = new Map();
const ringer = new Ringer(document.getElementById("blocked"));
let selected = null;
let timezone = "Asia/Shanghai";

const $ = (id) => document.getElementById(id);

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const child of children) if (child !== null) node.append(child);
  return node;
}

// "中文 English" with the English set lighter; it begins at `cut`, by default at the first English word.
function bilingual(text, cut = text.search(/ [A-Za-z]/)) {
  if (cut < 0) return [text];
  const english = element("span", "", text.slice(cut));
  english.lang = "en";
  return [text.slice(0, cut), english];
}

function button(className, label, act) {
  const node = element("button", className, ...bilingual(label));
  node.type = "button";
  node.dataset.key = label;
  node.addEventListener("click", act);
  return node;
}

const rings = (phone) => phone.calls.find((call) => call.status === "ringing" && !call.inbound);
const talks = (phone) => phone.calls.find((call) => call.status === "in-progress" || call.inbound);
const roles = (phone) => phone.roles.map((role) => ROLES[role] ?? role).join("、");
const clock = (iso) =>
  new Date(iso).toLocaleTimeString("zh-CN", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
    timeZone: timezone,
  });
const unread = (phone) => phone.messages.filter((m) => !m.inbound && m.at > (seen.get(phone.number) ?? "")).length;
const newest = (phone) =>
  [...phone.messages.map((m) => m.at), ...phone.past.map((c) => c.created_at)].sort().at(-1) ?? "";

async function act(number, action, body = {}) {
  const path = `/sim/phones/${encodeURIComponent(number)}/${action}`;
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) tell((await answer.json()).detail);
    return answer.ok;
  } catch {
    tell("服务器没有回应。 The server does not answer.");
    return false;
  }
}

let hush;
function tell(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(hush);
  hush = setTimeout(() => {
    $("toast").hidden = true;
  }, 5000);
}

// The list

function lastWords(phone) {
  const ringing = rings(phone);
  if (ringing) return "来电 Incoming call";
  const talking = talks(phone);
  if (talking) return talking.said.at(-1) ?? "通话中 On a call";
  const message = phone.messages.at(-1);
  const call = phone.past.at(-1);
  if (call && (!message || call.created_at > message.at)) return ENDED[call.status];
  return message?.body ?? "";
}

function badge(phone) {
  if (rings(phone)) return element("span", "badge", "响铃 Ringing");
  if (talks(phone)) return element("span", "badge", "通话 On call");
  const count = unread(phone);
  return count ? element("span", "badge fresh", String(count)) : null;
}

function row(phone) {
  const node = element(
    "button",
    "row",
    element("span", "avatar", initial(phone)),
    element(
      "span",
      "words",
      element("span", "line", element("b", "", phone.name || phone.number), element("small", "", roles(phone))),
      element("span", "last", lastWords(phone)),
    ),
    badge(phone),
  );
  node.type = "button";
  node.dataset.key = phone.number;
  node.classList.toggle("ringing", Boolean(rings(phone)));
  node.classList.toggle("talking", !rings(phone) && Boolean(talks(phone)));
  node.setAttribute("aria-current", String(phone.number === selected));
  node.addEventListener("click", () => select(phone.number));
  return element("li", "", node);
}

const initial = (phone) => (phone.name || phone.number).slice(phone.name ? 0 : -2, phone.name ? 1 : undefined);

function rank(phone) {
  return rings(phone) ? 0 : talks(phone) ? 1 : 2;
}

function drawList() {
  const wanted = $("find").value.trim().toLowerCase();
  const shown = [...phones.values()]
    .filter((phone) => `${phone.name} ${phone.number} ${roles(phone)}`.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b) || newest(b).localeCompare(newest(a)));
  $("phones").replaceChildren(...shown.map(row));
  $("none").hidden = shown.length > 0;
  const ringing = [...phones.values()].filter(rings).length;
  $("count").replaceChildren(
    ...bilingual(`${phones.size} 部电话，${ringing} 部在响`, -1),
    ...bilingual(` ${phones.size} phones, ${ringing} ringing`, 0),
  );
  document.title = ringing ? `☎ ${ringing} 响铃 · ringing` : "模拟电话 · Simulated telephones";
  ringer.ring(ringing > 0);
}

// The handset

function select(number) {
  selected = number;
  $("desk").classList.toggle("open", number !== null);
  if (number !== null) seen.set(number, new Date().toISOString());
  draw();
  $("thread").scrollTop = $("thread").scrollHeight;
}

function since(iso) {
  const time = element("time", "");
  time.dataset.since = iso;
  return time;
}

function tick() {
  for (const node of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(node.dataset.since)) / 1000));
    node.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

function ringingCard(phone, call) {
  return element(
    "section",
    "now rings",
    element("p", "state", element("span", "", ...bilingual("来电 Incoming call")), since(call.created_at)),
    element("p", "", call.from),
    element(
      "div",
      "acts",
      button("answer", "接听 Answer", () => act(phone.number, "answer", { sid: call.sid })),
      button("end", "拒接 Decline", () => act(phone.number, "decline", { sid: call.sid })),
    ),
  );
}

function talkingCard(phone, call) {
  const title = call.answered_at ? "通话中 On the call" : "正在呼叫 Calling";
  const said = element(
    "div",
    "said",
    ...call.said.map((text, i) => element("p", i < call.said.length - 2 ? "old" : "", text)),
  );
  const keys = element(
    "div",
    "keys",
    ...KEYS.map((key) => button("", key, () => act(phone.number, "press", { sid: call.sid, digits: key }))),
  );
  return element(
    "section",
    "now",
    element("p", "state", element("span", "", ...bilingual(title)), since(call.answered_at ?? call.created_at)),
    said,
    call.gathering ? element("p", "asks", ...bilingual("请按键 Press a key")) : null,
    call.answered_at ? keys : null,
    element(
      "div",
      "acts",
      button("end wide", "挂断 Hang up", () => act(phone.number, "hangup", { sid: call.sid })),
    ),
  );
}

function smsBubble(message) {
  const lost = ["undelivered", "failed"].includes(message.status);
  return element(
    "div",
    `sms${message.inbound ? " mine" : ""}${lost ? " lost" : ""}`,
    message.body,
    element("small", "", `${clock(message.at)}  ${SMS[message.status] ?? message.status}`),
  );
}

let quick = null;
const opened = new Set();
function pastCall(call) {
  const label = call.inbound ? `已回拨 Called back` : ENDED[call.status];
  const node = element(
    "details",
    "past",
    element("summary", "", `☎ ${label} · ${clock(call.created_at)}`),
    ...call.said.map((text) => element("p", "", text)),
  );
  node.open = opened.has(call.sid);
  node.addEventListener("toggle", () => (node.open ? opened.add(call.sid) : opened.delete(call.sid)));
  return node;
}

function drawPhone() {
  const phone = phones.get(selected);
  $("phone").hidden = !phone;
  $("invite").hidden = Boolean(phone);
  if (!phone) return;
  if (!document.hidden) seen.set(phone.number, phone.messages.at(-1)?.at ?? seen.get(phone.number));
  $("avatar").textContent = initial(phone);
  $("name").textContent = phone.name || phone.number;
  const wanted = phone.roles.some((role) => DESK.includes(role)) ? QUICK_DESK : QUICK;
  if (quick !== wanted) {
    quick = wanted;
    $("quick").replaceChildren(
      ...quick.map(([body, label]) => button("", label, () => act(selected, "sms", { body }))),
    );
  }
  $("number").textContent = [phone.name ? phone.number : "", roles(phone)].filter(Boolean).join(" · ");
  // Before a call takes its room away: who read the newest message still does.
  const thread = $("thread");
  const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 60;
  const talking = phone.calls.filter((call) => call.status === "in-progress" || call.inbound);
  const ringing = phone.calls.filter((call) => call.status === "ringing" && !call.inbound);
  $("calls").replaceChildren(
    ...talking.map((call) => talkingCard(phone, call)),
    ...ringing.slice(0, 3).map((call) => ringingCard(phone, call)),
  );
  for (const said of $("calls").querySelectorAll(".said")) said.scrollTop = said.scrollHeight;
  $("call").hidden = talking.length > 0;
  const events = [
    ...phone.messages.map((message) => [message.at, () => smsBubble(message)]),
    ...phone.past.map((call) => [call.created_at, () => pastCall(call)]),
  ].sort((a, b) => a[0].localeCompare(b[0]));
  thread.replaceChildren(...events.map(([, make]) => make()));
  if (atEnd) thread.scrollTop = thread.scrollHeight;
}

// A click is lost when its button is redrawn between press and release, and the keyboard's place with the focused one.
let held = false;
function draw() {
  if (held) return;
  const key = document.activeElement?.dataset.key;
  drawPhone();
  drawList();
  tick();
  if (key && document.activeElement === document.body)
    document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}
document.addEventListener("pointerdown", () => {
  held = true;
});
for (const end of ["pointerup", "pointercancel"])
  document.addEventListener(end, () => {
    held = false;
    setTimeout(draw);
  });

// Live

const heard = new Map();
function listen(phone) {
  for (const call of phone.calls) {
    const before = heard.get(call.sid) ?? 0;
    if ($("speak").getAttribute("aria-pressed") === "true" && phone.number === selected)
      call.said.slice(before).forEach(speak);
    heard.set(call.sid, call.said.length);
  }
}

function connect() {
  const source = new EventSource("/sim/events");
  const live = (state, text) => {
    $("live").className = `live ${state}`;
    $("live").lastElementChild.replaceChildren(...bilingual(text));
  };
  source.addEventListener("open", () => {
    phones.clear();
    live("on", "实时 Live");
  });
  source.addEventListener("error", () => live("off", "连接断开，正在重连 Connection lost"));
  source.addEventListener("hello", (event) => {
    ({ timezone } = JSON.parse(event.data));
  });
  source.addEventListener("phones", (event) => {
    for (const phone of JSON.parse(event.data)) {
      phones.set(phone.number, phone);
      listen(phone);
      // On a wide screen the ringing phone comes to hand, unless another is in use, for a call or to write a text.
      const busy = phones.get(selected)?.calls.length || $("text").value || document.activeElement === $("text");
      if (rings(phone) && !busy && matchMedia("(min-width: 821px)").matches) select(phone.number);
    }
    draw();
  });
}

$("find").addEventListener("input", drawList);
$("back").addEventListener("click", () => select(null));
$("call").addEventListener("click", () => act(selected, "call"));
$("compose").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = $("text").value.trim();
  if (body && (await act(selected, "sms", { body }))) $("text").value = "";
});
$("sound").addEventListener("click", () => {
  const on = $("sound").getAttribute("aria-pressed") !== "true";
  $("sound").setAttribute("aria-pressed", String(on));
  ringer.mute(!on);
});
$("speak").addEventListener("click", () => {
  $("speak").setAttribute("aria-pressed", String($("speak").getAttribute("aria-pressed") !== "true"));
});
document.addEventListener("keydown", (event) => {
  if (
    event.target.tagName === "INPUT" ||
    !/^[0-9*#]$/.test(event.key) ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey
  )
    return;
  const call = phones.get(selected)?.calls.find((one) => one.status === "in-progress");
  if (call) act(selected, "press", { sid: call.sid, digits: event.key });
});
setInterval(tick, 1000);
connect();
