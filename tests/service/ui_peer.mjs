// Reads one answer with the AI SDK's own transport and message reader; prints the message, or the error, as JSON.
import { DefaultChatTransport, readUIMessageStream } from 'ai';

const [api, questions, token] = process.argv.slice(2);
const messages = JSON.parse(questions).map((text, number) => ({
  id: `m${number}`,
  role: 'user',
  parts: [{ type: 'text', text }],
}));
const transport = new DefaultChatTransport({ api, headers: token ? { Authorization: `Bearer ${token}` } : {} });

let message = null;
let error = null;
try {
  const stream = await transport.sendMessages({ chatId: 'chat', messages, trigger: 'submit-message' });
  for await (const state of readUIMessageStream({ stream, onError: (failure) => { error = String(failure.message); } })) {
    message = state;
  }
} catch (failure) {
  error = failure.message;
}
console.log(JSON.stringify({ message, error }));
