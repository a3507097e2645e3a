// The few texts that scripts say, in the page's language, from the catalogue on the server.
const table = JSON.parse(document.getElementById("words").textContent);

export function word(key, values = {}) {
  return table[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
