// What the page asks the server. Errors are sentences for the person.

export class ApiError extends Error {
  constructor(message, reload) {
    super(message);
    this.reload = reload;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError("The review has ended: nobody answers. Run vnlp-prep review again.", false);
  }
  const content = await response.json().catch(() => ({ error: `The server answered with ${response.status}.` }));
  if (!response.ok) throw new ApiError(content.error, Boolean(content.reload));
  return content;
}

const post = (path, content) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });

export const groups = (start, limit) => ask(`api/groups?start=${start}&limit=${limit}`);
export const group = (number) => ask(`api/groups/${number}`);
export const decide = (number, decision, replacement = "") => post("api/decide", { group: number, decision, replacement });
export const undo = () => post("api/undo", {});
export const tryText = (text) => post("api/try", { text });
