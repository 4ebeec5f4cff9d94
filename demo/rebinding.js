// In:    clicks of a person.
// Out:   requests of the attacker's page to its own name, and what came back.
// Never: makes markup out of what it received.

/** To the browser, these requests are same-origin: the page may read every answer. */
async function read(id) {
  const output = document.querySelector(`output[for=${id}]`);
  output.textContent = "…";
  try {
    const response = await fetch(`/${id}/notes`);
    const body = (await response.text()).trim();
    output.textContent = `${response.ok ? "Got it" : "Got nothing"}: ${response.status} ${body}`;
  } catch {
    output.textContent = "The server does not answer.";
  }
}

document.querySelector("#host").textContent = location.host;
for (const id of ["unguarded", "guarded"]) {
  document.querySelector(`#${id}`).addEventListener("click", () => read(id));
}
