"""The bundled demo mission: its server, its posts as data, its pictures."""
