"use strict";
// The reference of the HTTP API, drawn from /openapi.json: works offline, asks no other host.

let api;
const at = (id) => document.getElementById(id);

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

const resolve = (schema) => schema && schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;

function type(schema) {
  if (!schema) return "";
  if (schema.anyOf) return schema.anyOf.map(type).join(" | ");
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return `[${type(schema.items)}]`;
  return schema.enum ? schema.enum.map((value) => JSON.stringify(value)).join(" | ") : schema.format || schema.type || "any";
}

function fields(schema, required = schema.required || []) {
  const list = element("ul");
  for (const [name, field] of Object.entries(schema.properties || {})) {
    const note = [field.description, field.default !== undefined && field.default !== null ? `default ${JSON.stringify(field.default)}` : "", required.includes(name) ? "required" : ""];
    list.append(element("li", "", element("code", `${name}: ${type(field)}`), " ", note.filter(Boolean).join("; ")));
  }
  return list;
}

function content(title, parts) {
  return Object.entries(parts || {}).flatMap(([media, { schema }]) => {
    const whole = resolve(schema) || {};
    return [element("p", `${title} (${media})${schema && schema.$ref ? ": " + type(schema) : ""}`), ...(whole.properties ? [fields(whole)] : [])];
  });
}

function example(method, path, operation) {
  const json = operation.requestBody && operation.requestBody.content["application/json"];
  let line = `curl -X ${method.toUpperCase()} ${location.origin}${path}`;
  if (path === "/v1/search") line += ` -H 'Content-Type: application/json' -d '{"query": "大兴机场临空经济区的主导产业是什么？"}'`;
  else if (json) line += " -H 'Content-Type: application/json' -d '{…}'";
  return element("pre", line);
}

function route(path, method, operation) {
  const summary = element("summary", "", element("code", `${method.toUpperCase()} ${path}`), ` ${operation.description || ""}`);
  const parameters = (operation.parameters || []).map((one) => [one.name, { ...one.schema, description: one.in }]);
  const required = (operation.parameters || []).filter((one) => one.required).map((one) => one.name);
  const body = operation.requestBody ? content("Body", operation.requestBody.content) : [];
  const answers = Object.entries(operation.responses).flatMap(([status, one]) =>
    Number(status) < 300 ? content(`Answer ${status}`, one.content) : [element("p", `${status}: ${one.description}`)]);
  return element("details", "", summary, example(method, path, operation),
    fields({ properties: Object.fromEntries(parameters) }, required), ...body, ...answers);
}

async function draw() {
  api = await (await fetch("/openapi.json")).json();
  at("about").textContent = `${api.info.description} Version ${api.info.version}.`;
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, operation] of Object.entries(methods)) at("routes").append(route(path, method, operation));
  at("routes").append(element("h1", "Objects"));
  for (const [name, schema] of Object.entries(api.components.schemas))
    at("routes").append(element("details", "", element("summary", "", element("code", name)), fields(schema)));
}

draw().catch((error) => { at("about").textContent = String(error); });
