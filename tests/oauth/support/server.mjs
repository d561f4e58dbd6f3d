// @ts-check
// A token endpoint on this machine that notes what it is asked and answers what a test says.
import http from "node:http";

/**
 * @typedef {{ status?: number, headers?: Record<string, string>, body?: unknown }} Said  an object is sent as JSON, a text as it is
 * @typedef {{ method: string, path: string, headers: http.IncomingHttpHeaders, body: string }} Asked
 */

export async function tokenServer() {
  /** @type {Asked[]} */
  const requests = [];
  const self = {
    address: "",
    requests,
    /** @type {(asked: Asked) => Said} */
    answer: () => ({ body: { access_token: `at-${requests.length}`, token_type: "bearer", expires_in: 3600, refresh_token: `rt-${requests.length}`, email: "ada@example.com", sub: "ada" } }),
    close: () => new Promise((resolve) => (server.closeAllConnections?.(), server.close(() => resolve(undefined)))),
  };
  const server = http.createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part) => (body += part));
    request.on("end", () => {
      const asked = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body };
      requests.push(asked);
      const { status = 200, headers = {}, body: said = "" } = self.answer(asked);
      response.writeHead(status, { "content-type": typeof said === "string" ? "text/html" : "application/json", ...headers });
      response.end(typeof said === "string" ? said : JSON.stringify(said));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  self.address = `http://127.0.0.1:${port}`;
  return self;
}
