// Elements from values. A value becomes a text node; characters that would change the direction of text are shown as escapes.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

function readable(value) {
  return String(value).replace(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An element; a function among the attributes is a listener, `true` sets an attribute without a value, false and null omit it. */
function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, readable(value));
  }
  fill(element, ...children);
  return element;
}

function fill(parent, ...children) {
  const present = children.flat().filter((child) => child !== null && child !== undefined && child !== "" && child !== false);
  parent.replaceChildren(...present.map((child) => (child instanceof Node ? child : document.createTextNode(readable(child)))));
}

function $(id) {
  return document.getElementById(id);
}

/** Announce a message to screen readers. */
function announce(text) {
  $("announcement").textContent = text;
}

/** A value whose direction of writing does not affect the text around it. */
function isolated(value, attributes) {
  return el("bdi", attributes, value);
}

/** A button that copies a text. */
function copyButton(text, label, attributes = {}) {
  return el("button", {
    type: "button",
    class: "copy",
    "aria-label": label,
    title: label,
    ...attributes,
    click: async (event) => {
      event.stopPropagation();
      const button = event.currentTarget;
      try {
        await navigator.clipboard.writeText(text);
        announce("Copied");
        button.textContent = "Copied";
      } catch {
        announce("The browser does not let this page copy; select the text instead");
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    },
  }, "Copy");
}
