// Maps that work without any tile server: a plain grid and a scale; tiles where the settings name some.
// Positions are WGS-84 everywhere; only here, at the screen, they become what the tiles are drawn in.
const { L, gcoord } = window;

const EMPTY_VIEW = [[31.2304, 121.4737], 13];

const Grid = L.GridLayer.extend({
  createTile() {
    const tile = document.createElement("div");
    tile.className = "grid-tile";
    return tile;
  },
});

export function createMap(element) {
  const { tileUrl, tileDatum, tileAttribution } = element.dataset;
  const map = L.map(element, { attributionControl: Boolean(tileUrl), zoomControl: true, maxZoom: 19, minZoom: 3 });
  if (tileUrl) L.tileLayer(tileUrl, { attribution: tileAttribution, maxZoom: 19 }).addTo(map);
  else new Grid({ tileSize: 96 }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  map.attributionControl?.setPrefix(false);
  map.setView(...EMPTY_VIEW);
  const shifted = tileUrl && tileDatum === "gcj02";
  const point = (lat, lon) => {
    if (!shifted) return [lat, lon];
    const [east, north] = gcoord.transform([lon, lat], gcoord.WGS84, gcoord.GCJ02);
    return [north, east];
  };
  return { map, point };
}

export function pin(kind, icon, size) {
  return L.divIcon({
    className: "",
    iconSize: [size, size],
    html:
      `<div class="pin pin-${kind}"><svg class="icon" aria-hidden="true">` +
      `<use href="${document.body.dataset.icons}#${icon}"></use></svg></div>`,
  });
}

// Leaflet takes a string for HTML; what people are called is text.
export function text(content) {
  const element = document.createElement("span");
  element.textContent = content;
  return element;
}

// One marker per key, moved rather than made anew, so that a tooltip under the pointer stays.
export function markers(map) {
  const known = new Map();
  return (wanted) => {
    for (const [key, marker] of known) {
      if (!wanted.has(key)) {
        marker.remove();
        known.delete(key);
      }
    }
    for (const [key, { at, icon, label, href, z }] of wanted) {
      const old = known.get(key);
      if (old && old.options.kind === icon.options.html) {
        old.setLatLng(at).setTooltipContent(text(label));
        continue;
      }
      old?.remove();
      const marker = L.marker(at, { icon, keyboard: false, zIndexOffset: z, kind: icon.options.html });
      marker.bindTooltip(text(label), { direction: "top", offset: [0, -12] });
      if (href)
        marker.on("click", () => {
          location.href = href;
        });
      known.set(key, marker.addTo(map));
    }
  };
}
