// The four routes of ./e2e on express. The port comes from PORT.
const express = require("express");

const app = express();
app.disable("x-powered-by");
app.disable("etag");

app.get("/api/hello", (req, res) => {
	res.status(200).json({ message: "hello" });
});
app.get("/api/user/:id", (req, res) => {
	res.status(200).json({ id: req.params.id });
});
app.get("/api/files/*path", (req, res) => {
	res.status(200).json({ path: req.params.path });
});
app.post("/api/data", express.json(), (req, res) => {
	res.status(201).json({ name: req.body.name, age: req.body.age });
});

app.listen(Number(process.env.PORT), "127.0.0.1");
