// @ts-check
// A little forward proxy that wants a password: CONNECT, and requests for a whole address.
import http from "node:http";
import net from "node:net";

/** @param {string} user "user:password" */
export async function startProxy(user) {
  const wanted = `Basic ${Buffer.from(user).toString("base64")}`;
  /** What went through. @type {string[]} */
  const seen = [];
  /** @type {Set<import("node:stream").Duplex>} */
  const sockets = new Set();
  const server = http.createServer((request, response) => {
    if (request.headers["proxy-authorization"] !== wanted) return void response.writeHead(407).end();
    const url = new URL(String(request.url));
    seen.push(url.host);
    const { "proxy-authorization": _password, "proxy-connection": _hop, ...headers } = request.headers;
    const onward = http.request(url, { method: request.method ?? "GET", headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    request.pipe(onward);
  });
  server.on("connect", (request, socket) => {
    if (request.headers["proxy-authorization"] !== wanted) return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    seen.push(String(request.url));
    const [host, port] = String(request.url).split(":");
    const onward = net.connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket);
      socket.pipe(onward);
    });
    for (const end of [onward, socket]) {
      sockets.add(end);
      end.on("error", () => (onward.destroy(), socket.destroy()));
    }
  });
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return { seen, url: `http://${user}@127.0.0.1:${port}`, shown: `http://127.0.0.1:${port}`, close };
}
