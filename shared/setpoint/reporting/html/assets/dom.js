// Elements from values. A value becomes a text node and nothing else, and what could turn the line around is shown.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

function readable(value) {
  return String(value).replace(HIDDEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An element; attributes that are functions listen, `true` sets one without a value, and false or null leaves it out. */
function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, readable(value));
  }
  fill(made, ...children);
  return made;
}

function fill(parent, ...children) {
  parent.replaceChildren(
    ...children.flat().filter((one) => one !== null && one !== undefined && one !== "" && one !== false).map(
      (one) => (one instanceof Node ? one : document.createTextNode(readable(one))),
    ),
  );
}

function $(id) {
  return document.getElementById(id);
}

function say(text) {
  $("said").textContent = text;
}

/** A value that may be written in any direction, and does not turn around what stands beside it. */
function isolated(value, attributes) {
  return el("bdi", attributes, value);
}

function copying(text, label) {
  return el("button", {
    type: "button",
    class: "copy",
    "aria-label": label,
    click: async (event) => {
      event.stopPropagation();
      try {
        await navigator.clipboard.writeText(text);
        say("Copied");
        event.target.textContent = "Copied";
      } catch {
        say("The browser does not let this page copy; select the text instead");
      }
      setTimeout(() => { event.target.textContent = "Copy"; }, 1500);
    },
  }, "Copy");
}
