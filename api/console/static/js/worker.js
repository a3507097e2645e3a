// A shared worker: the one stream of all windows of this browser. It lives as long as one of them does, so that no
// window's end or sleep takes the stream from the others.
import { follow } from "./stream.js";

const ports = new Set();
let following = false;

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => {
    if (data.kind === "leave") ports.delete(port);
    if (data.kind !== "join") return;
    ports.add(port);
    if (!following) follow(data, tell);
    following = true;
  });
  port.start();
});
