// What is wrong with the page that is shown, as lines: what runs over, what has no name, what cannot be read.
() => {
  const found = [];
  const root = document.documentElement;
  const describe = (one) => `${one.tagName.toLowerCase()}${one.id ? "#" + one.id : ""}${one.className && one.className.baseVal === undefined ? "." + one.className.split(" ").join(".") : ""} ${JSON.stringify((one.textContent || "").trim().slice(0, 40))}`;
  const shown = (one) => one.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) && one.getClientRects().length > 0;
  if (root.scrollWidth > window.innerWidth) {
    const wide = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1 && shown(one) && !one.closest(".scroll, pre, [role=region]"));
    found.push(`the page is ${root.scrollWidth} wide in ${window.innerWidth}: ${wide.slice(0, 3).map(describe).join("; ")}`);
  }
  for (const one of document.querySelectorAll("button, input:not([type=hidden]), select, textarea, a[href], summary, [tabindex]")) {
    if (!shown(one)) continue;
    const labels = one.labels ? [...one.labels].map((label) => label.textContent).join(" ") : "";
    const by = (one.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join(" ");
    const own = ["INPUT", "SELECT", "TEXTAREA"].includes(one.tagName) ? "" : one.textContent;
    const image = [...one.querySelectorAll("img[alt], svg title, svg[aria-label]")].map((inner) => inner.getAttribute("alt") || inner.getAttribute("aria-label") || inner.textContent).join(" ");
    if (!`${labels}${by}${own}${image}${one.getAttribute("aria-label") || ""}${one.getAttribute("title") || ""}`.trim() && one.tagName !== "MAIN") found.push(`no name: ${describe(one)}`);
    if (one.tabIndex > 0) found.push(`takes the focus out of turn: ${describe(one)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) found.push(`twice: id ${id}`);
  if (document.querySelectorAll("h1").length !== 1) found.push(`${document.querySelectorAll("h1").length} first headings`);
  let level = 1;
  for (const one of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(one.tagName[1]);
    if (shown(one) && next > level + 1) found.push(`a heading of level ${next} under one of ${level}: ${describe(one)}`);
    if (shown(one)) level = next;
  }
  for (const one of document.querySelectorAll("th:not([scope])")) found.push(`of what is it the head: ${describe(one)}`);
  for (const one of document.querySelectorAll("img:not([alt])")) found.push(`a picture without words: ${describe(one)}`);

  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const parse = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, below) => [0, 1, 2].map((place) => top[place] * top[3] + below[place] * (1 - top[3])).concat(1);
  const ground = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) {
      const layer = parse(getComputedStyle(at).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), parse(getComputedStyle(root).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#ffffff"));
  };
  const light = ([red, green, blue]) => {
    const part = (value) => { const share = value / 255; return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(one) || !shown(one) || one.closest("svg, [aria-hidden=true], option, :disabled, .unseen, .skip")) continue;
    seen.add(one);
    const style = getComputedStyle(one), below = ground(one), above = over(parse(style.color), below);
    const [bright, dark] = [light(above), light(below)].sort((a, b) => b - a);
    const ratio = (bright + 0.05) / (dark + 0.05), size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < needed - 0.01) found.push(`contrast ${ratio.toFixed(2)}: ${describe(one)}`);
  }
  return found.slice(0, 12);
}
