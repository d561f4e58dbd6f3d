// @ts-check
// A person without a browser: fills in what the OpenID provider of the tests asks, and agrees to everything.

/** The cookies of one person. */
class Jar {
  /** @type {Map<string, string>} */
  #cookies = new Map();

  /** @param {Response} response */
  keep(response) {
    for (const line of response.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const at = pair.indexOf("=");
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }

  get header() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

/**
 * Goes where the URL leads, and answers the address that the browser would end at: the callback, or the provider's last page.
 * @param {string} url @param {string} who @param {string} [code] what is typed in at a device login
 */
export async function agree(url, who, code) {
  const jar = new Jar();
  const { origin } = new URL(url);
  /** @type {RequestInit} */
  let init = {};
  for (let step = 0; step < 30; step += 1) {
    const response = await fetch(url, { ...init, redirect: "manual", headers: { ...init.headers, cookie: jar.header } });
    jar.keep(response);
    const to = response.headers.get("location");
    if (to !== null) {
      await response.arrayBuffer();
      url = new URL(to, url).href;
      if (new URL(url).origin !== origin) return url;
      init = {};
      continue;
    }
    const page = await response.text();
    const form = /<form[^]*?<\/form>/.exec(page)?.[0];
    if (form === undefined) return url;
    /** @type {Record<string, string>} */
    const fields = {};
    for (const [input] of form.matchAll(/<input[^>]*>/g)) {
      const of = (/** @type {string} */ name) => new RegExp(`${name}="([^"]*)"`).exec(input)?.[1];
      const name = of("name");
      if (name !== undefined) fields[name] = of("value") ?? "";
    }
    if ("login" in fields) fields.login = who;
    if ("password" in fields) fields.password = "anything";
    if ("user_code" in fields && code !== undefined) fields.user_code = code;
    const action = /action="([^"]*)"/.exec(form)?.[1] ?? url;
    url = new URL(action.replaceAll("&amp;", "&"), url).href;
    init = { method: "POST", body: new URLSearchParams(fields), headers: { "content-type": "application/x-www-form-urlencoded" } };
  }
  throw new Error("the provider asks on and on");
}
