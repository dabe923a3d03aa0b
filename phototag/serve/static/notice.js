// A line at the foot of the window that says what did not work.
export const NO_ANSWER = "phototag does not answer. Is it still running?";

export function tell(host, text, action = "", act = null) {
  host.querySelector(":scope > .notice")?.remove();
  const line = document.createElement("p");
  line.className = "notice";
  line.setAttribute("role", "alert");
  host.append(line);
  line.append(text);
  if (act) line.append(button(action, act));
  line.append(button("Close", () => line.remove()));
}

export function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "plain";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}
