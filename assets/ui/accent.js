// The accent as a choice: a colour gives its hue and its strength, the lightness of the theme stays and keeps text readable.

/** Those to choose from, with the colour that they have in the light theme. The first is the one without a choice. */
export const ACCENTS = [
  { name: "honey", colour: "#f5b236" },
  { name: "coral", colour: "#ffa78b" },
  { name: "rose", colour: "#ffa1b6" },
  { name: "lilac", colour: "#daa8ff" },
  { name: "sky", colour: "#7ccaff" },
  { name: "lagoon", colour: "#00dbdc" },
  { name: "moss", colour: "#7cda81" },
  { name: "stone", colour: "#c5bfb6" },
];

/** Of the accent in tokens.css: lightness, and the chroma of strength 1. */
const LIGHTNESS = 0.808;
const CHROMA = 0.152;
const HONEY = { colour: ACCENTS[0].colour, hue: 78, vivid: 1 };
/** theme.js reads the same. */
const KEPT = /^(#[0-9a-f]{6}) (\d{1,3}) ([01](?:\.\d+)?)$/;

/** @typedef {{colour: string, hue: number, vivid: number}} Accent `colour` as #rrggbb, `hue` in degrees, `vivid` from 0 to 1 */

/** @param {string} kept @returns {Accent} honey for whatever is no accent */
export function readAccent(kept) {
  const found = KEPT.exec(kept);
  return found ? { colour: found[1], hue: Number(found[2]), vivid: Math.min(1, Number(found[3])) } : HONEY;
}

/** @param {string} colour as #rrggbb @returns {string} what is kept of it */
export function accentOf(colour) {
  if (colour === HONEY.colour) return `${HONEY.colour} ${HONEY.hue} ${HONEY.vivid}`;
  const { chroma, hue } = polar(colour);
  const vivid = Math.min(chroma, mostChroma(hue)) / CHROMA;
  return `${colour} ${Math.round(hue) % 360} ${Math.round(vivid * 100) / 100}`;
}

/**
 * Chroma and hue in OKLCH, from the matrices of https://bottosson.github.io/posts/oklab/
 * @param {string} colour
 */
function polar(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  const across = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
  const along = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
  return { chroma: Math.hypot(across, along), hue: ((Math.atan2(along, across) * 180) / Math.PI + 360) % 360 };
}

/** The most chroma that a screen shows of a hue at the accent's lightness: beyond it colours are clipped, each browser in its way. @param {number} hue */
function mostChroma(hue) {
  let [low, high] = [0, CHROMA];
  if (shown(high, hue)) return high;
  for (let round = 0; round < 12; round += 1) {
    const middle = (low + high) / 2;
    if (shown(middle, hue)) low = middle;
    else high = middle;
  }
  return low;
}

/** Whether sRGB has the colour. @param {number} chroma @param {number} hue */
function shown(chroma, hue) {
  const angle = (hue * Math.PI) / 180;
  const [across, along] = [chroma * Math.cos(angle), chroma * Math.sin(angle)];
  const l = (LIGHTNESS + 0.3963377774 * across + 0.2158037573 * along) ** 3;
  const m = (LIGHTNESS - 0.1055613458 * across - 0.0638541728 * along) ** 3;
  const s = (LIGHTNESS - 0.0894841775 * across - 1.291485548 * along) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].every((part) => part >= -0.0005 && part <= 1.0005);
}
