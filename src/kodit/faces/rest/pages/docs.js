"use strict";

// Makes the page out of /openapi.json. All that comes from there is set as text.

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children.filter(Boolean));
  return made;
}

function styled(name, style, text) {
  const made = element(name, text);
  made.className = style;
  return made;
}

// A sentence, in which what is between backticks is code.
function prose(text) {
  const parts = (text || "").split("`");
  return element("p", null, ...parts.map((part, place) => (place % 2 ? element("code", part) : part)));
}

function refersTo(schema) {
  const name = schema.$ref.split("/").pop();
  const link = element("a", name);
  link.href = "#" + name;
  return link;
}

function typeOf(schema) {
  const made = element("span");
  if (!schema || Object.keys(schema).length === 0) {
    made.append("anything");
  } else if (schema.$ref) {
    made.append(refersTo(schema));
  } else if (schema.anyOf) {
    schema.anyOf.forEach((one, place) => made.append(place ? " or " : "", typeOf(one)));
  } else if (schema.type === "array") {
    made.append("list of ", typeOf(schema.items));
  } else if (schema.enum) {
    made.append("one of ", element("code", schema.enum.join(", ")));
  } else if (schema.type === "object" && schema.additionalProperties instanceof Object) {
    made.append("object of ", typeOf(schema.additionalProperties));
  } else {
    made.append(schema.format || schema.type || "anything");
  }
  return made;
}

function limitsOf(schema) {
  const known = {
    minimum: (number) => "from " + number,
    maximum: (number) => "to " + number,
    minLength: (number) => (number === "1" ? "not empty" : "at least " + number + " characters"),
    maxLength: (number) => "at most " + number + " characters",
    maxItems: (number) => "at most " + number + " entries",
  };
  const found = Object.keys(known)
    .filter((name) => schema[name] !== undefined)
    .map((name) => known[name](schema[name].toLocaleString("en")));
  const given = schema.default;
  if (given !== undefined && given !== null && !(Array.isArray(given) && given.length === 0)) {
    found.push("default " + JSON.stringify(given));
  }
  return found.join(", ");
}

function row(name, schema, isRequired, about) {
  const limits = limitsOf(schema);
  return element(
    "tr", null,
    element("td", null, element("code", name), isRequired && styled("div", "limits", "required")),
    element("td", null, typeOf(schema), limits && styled("div", "limits", limits)),
    element("td", null, prose(about || schema.description))
  );
}

function table(rows) {
  const head = element("tr", null, element("th", "name"), element("th", "type"), element("th", "what it is"));
  return element("table", null, element("thead", null, head), element("tbody", null, ...rows));
}

function fieldsOf(schema) {
  const required = schema.required || [];
  return Object.entries(schema.properties || {}).map(
    ([name, one]) => row(name, one, required.includes(name))
  );
}

function answersOf(responses) {
  const rows = Object.entries(responses).map(([status, answer]) => {
    const kinds = Object.entries(answer.content || {}).map(([kind, one]) =>
      element("div", null, element("code", kind), " ", typeOf(one.schema))
    );
    return element(
      "tr", null, element("td", status), element("td", null, ...kinds), element("td", null, prose(answer.description))
    );
  });
  const head = element("tr", null, element("th", "status"), element("th", "body"), element("th", "when"));
  return element("table", null, element("thead", null, head), element("tbody", null, ...rows));
}

function operation(method, path, told, schemas) {
  const body = element("div", null, prose(told.description || told.summary));
  if (told.parameters) {
    const rows = told.parameters.flatMap((one) =>
      one.schema.type === "object"
        ? fieldsOf(one.schema) // each property is sent by its own name
        : row(one.name + (one.in === "query" ? "" : " (" + one.in + ")"), one.schema, one.required, one.description)
    );
    body.append(element("h3", "Parameters"), table(rows));
  }
  const content = told.requestBody && told.requestBody.content["application/json"];
  if (content) {
    const schema = content.schema.$ref ? schemas[content.schema.$ref.split("/").pop()] : content.schema;
    body.append(element("h3", "Body (JSON)"), table(fieldsOf(schema)));
  }
  body.append(element("h3", "Answers"), answersOf(told.responses));
  const line = element("summary");
  line.append(
    styled("span", "method", method.toUpperCase()), styled("span", "path", path), " ",
    styled("span", "summary", told.summary)
  );
  return element("details", null, line, body);
}

function show(spec) {
  const schemas = spec.components.schemas;
  const groups = new Map();
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const [method, told] of Object.entries(methods)) {
      const group = (told.tags || ["other"])[0];
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(operation(method, path, told, schemas));
    }
  }
  const content = document.getElementById("content");
  content.replaceChildren();
  for (const [name, operations] of groups) content.append(element("h2", name), ...operations);
  content.append(element("h2", "schemas"));
  for (const [name, schema] of Object.entries(schemas)) {
    const about = element("div", null, schema.description && prose(schema.description));
    about.append(schema.enum ? typeOf(schema) : table(fieldsOf(schema)));
    const made = element("details", null, element("summary", name), about);
    made.id = name;
    content.append(made);
  }
  document.getElementById("about").textContent = spec.info.description + " Version " + spec.info.version + ".";
  openTarget();
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

window.addEventListener("hashchange", openTarget);
fetch("/openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error("status " + answer.status))))
  .then(show)
  .catch((error) => {
    document.getElementById("content").textContent = "/openapi.json cannot be read: " + error.message;
  });
