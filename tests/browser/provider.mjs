// A provider that takes each message and breaks the connection. Says its port, and goes on until it is ended.

import { createServer } from "node:net";

const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", () => socket.destroy());
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
