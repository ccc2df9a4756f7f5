// A server of Node's standard library, as what a Next.js app runs on. It prints
// its port.
import { createServer } from "node:http";
import { createHash } from "node:crypto";

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

const routes = {
  // What arrived, as Node has it.
  async echo(req, res) {
    const parts = [];
    for await (const part of req) parts.push(part);
    const body = Buffer.concat(parts).toString("latin1");
    // req.url holds a byte in each character.
    res.setHeader("Content-Type", "application/json");
    res.end(JSON.stringify({ method: req.method, url: Buffer.from(req.url, "latin1").toString("base64"), rawHeaders: req.rawHeaders, body, trailers: req.trailers }));
  },
  // The body comes back part by part.
  stream(req, res) {
    res.writeHead(200, { "Content-Type": "application/octet-stream" });
    res.flushHeaders();
    req.pipe(res);
  },
  async sum(req, res) {
    const hash = createHash("sha256");
    for await (const part of req) hash.update(part);
    res.end(hash.digest("hex"));
  },
  async events(req, res) {
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
    for (let i = 0; i < 3; i++) {
      res.write(`data: ${i}\n\n`);
      await wait(20);
    }
    res.end();
  },
  async slow(req, res) {
    await wait(200);
    res.end("late");
  },
  crash(req, res) {
    res.writeHead(200, { "Content-Length": "100" });
    res.write("part", () => req.socket.destroy());
  },
  chunkedCrash(req, res) {
    res.write("part", () => req.socket.destroy());
  },
  answer(req, res) {
    res.setHeader("Set-Cookie", ["a=1; Path=/", "b=2"]);
    res.setHeader("ETag", '"e"');
    res.setHeader("X-Host", req.headers.host);
    res.writeHead(307, { Location: "/there?a;b=%zz" });
    res.end();
  },
  head(req, res) {
    res.setHeader("Content-Length", "1234");
    res.end();
  },
  none(req, res) {
    res.writeHead(204, { ETag: '"n"' });
    res.end();
  },
  trailers(req, res) {
    res.writeHead(200, { Trailer: "X-Sum" });
    res.write("body");
    res.addTrailers({ "X-Sum": "7" });
    res.end();
  },
};

const server = createServer((req, res) => {
  const route = routes[req.headers["x-route"] ?? "echo"];
  Promise.resolve(route(req, res)).catch(() => res.destroy());
});

server.on("upgrade", (req, socket, head) => {
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + req.headers.upgrade + "\r\n\r\n");
  socket.write(head);
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume(); // the test has ended
