export default function handler(req, res) {
	if (req.method !== "POST") {
		res.setHeader("Allow", "POST");
		return res.status(405).json({ error: "Method Not Allowed" });
	}
	return res.status(201).json({ name: req.body.name, age: req.body.age });
}
