// What happens between a question and its answer: the events of POST /v1/ask gathered into a turn.

/** A question as it is asked; `filters` holds what is set of publisher, published_from, published_to. */
export function newTurn({ question, history = [], filters = {}, collection = "default" }) {
  return { question, history, filters, collection, hits: null, answerable: false, text: "", answer: null, error: null };
}

function request({ question, history, filters, collection }) {
  const body = { query: question, collection, stream: true };
  if (history.length) body.history = history;
  if (Object.keys(filters).length) body.filters = filters;
  return body;
}

/** Runs the turn to its end, which may be an error; `changed` is called at most once a frame, and at the end. */
export async function run(turn, service, changed, signal) {
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; changed(); });
  };
  try {
    for await (const { name, data } of service.events("/v1/ask", request(turn), signal)) {
      if (name === "found") Object.assign(turn, { hits: data.hits, answerable: data.answerable });
      if (name === "piece") turn.text += data.text;
      if (name === "answer") Object.assign(turn, { answer: data, text: data.answer, hits: data.hits, answerable: data.answerable });
      soon();
    }
    if (!turn.answer) throw new Error("The answer broke off.");
  } catch (error) {
    if (signal && signal.aborted) return;
    turn.error = error;
    soon();
  }
}
