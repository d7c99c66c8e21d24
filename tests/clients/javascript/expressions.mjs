// The published expression library as an oracle: reads one JSON line a question, writes one JSON line an answer.
//
//   question  [expression, code, timestamp, properties]
//   answer    {"value": text or number} or {"unread": true} or {"failed": reason} or {"crashed": true}
//
// The library is WebAssembly; its own entry needs a flag of Node, so it is set up by hand. A question that makes it crash
// (a division by zero) leaves it unusable, and the next one gets a new instance.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const code = new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve("lago-expression/index_bg.wasm"))));
const glue = import.meta.resolve("lago-expression/index_bg.js");
let library;
let instances = 0;

async function start() {
  // The glue keeps views of its instance's memory, so each instance needs a copy: another query is another module.
  library = await import(`${glue}?${(instances += 1)}`);
  const instance = new WebAssembly.Instance(code, { "./index_bg.js": library });
  library.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
}

async function answer([text, eventCode, timestamp, properties]) {
  let expression;
  try {
    expression = library.parseExpression(text);
  } catch (error) {
    if (!(error instanceof Error)) return { unread: true };
    await start();
    return { crashed: true };
  }
  try {
    return { value: library.evaluateExpression(expression, eventCode, BigInt(timestamp), properties) };
  } catch (error) {
    if (!(error instanceof Error)) return { failed: String(error) };
    await start();
    return { crashed: true };
  }
}

console.error = () => {}; // The library prints where it crashed.
await start();
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
