"""Texts by which the similarities of a model are compared with those of the built-in one.

Models differ in what similarity they give to texts that belong together, and to texts that do not:
one has .8 and .7 where another has .4 and .0. The weights of ranking were chosen with the built-in
model, so the similarities of any other are mapped to its scale by these two points, which depend on
the model alone: not on an index or its history.
"""

from __future__ import annotations

from typing import NamedTuple


class Probe(NamedTuple):
    """A question, a description of code that answers it, and that code."""

    query: str
    description: str
    code: str


PROBES = (
    Probe(
        "read a configuration file and merge it with the defaults",
        "Loads settings from a file in TOML and fills in the defaults of missing values.",
        "def load_config(path):\n    with open(path, 'rb') as file:\n        given = tomllib.load("
        "file)\n    return {**DEFAULTS, **given}\n",
    ),
    Probe(
        "retry a request with exponential back-off",
        "Sends an HTTP request again after growing pauses until it succeeds.",
        "async def fetch_with_retry(client, url, attempts=5):\n"
        "    for attempt in range(attempts):\n        try:\n"
        "            return await client.get(url)\n        except ConnectionError:\n"
        "            await asyncio.sleep(2**attempt)\n    raise TimeoutError(url)\n",
    ),
    Probe(
        "how is the password of a user hashed and checked",
        "Verifies a login by comparing the salted hash of the password in constant time.",
        "func CheckPassword(user *User, password string) bool {\n\thash := argon2.IDKey([]byte("
        "password), user.Salt, 1, 64*1024, 4, 32)\n\treturn subtle.ConstantTimeCompare(hash, "
        "user.Hash) == 1\n}\n",
    ),
    Probe(
        "parse command line arguments",
        "Declares the options of the program and parses the arguments it was started with.",
        "def parse_args(argv):\n    parser = argparse.ArgumentParser()\n    parser.add_argument("
        "'--verbose', action='store_true')\n    parser.add_argument('path')\n"
        "    return parser.parse_args(argv)\n",
    ),
    Probe(
        "evict the least recently used entry from a cache",
        "A cache of fixed size that removes the entry that was not used for the longest time.",
        "class LruCache<K, V> extends LinkedHashMap<K, V> {\n  private final int capacity;\n"
        "  protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {\n"
        "    return size() > capacity;\n  }\n}\n",
    ),
    Probe(
        "create the table of orders in the database",
        "A database migration that adds the table of orders with its foreign key to customers.",
        "CREATE TABLE orders (\n  id bigint PRIMARY KEY,\n  customer_id bigint REFERENCES "
        "customers (id),\n  total numeric(12, 2) NOT NULL,\n  placed_at timestamptz DEFAULT now()"
        "\n);\n",
    ),
    Probe(
        "render a list of items as a web page component",
        "A React component that shows items in a list and calls back when one is selected.",
        "export function ItemList({ items, onSelect }) {\n  return (\n    <ul>\n      {items.map("
        "(item) => (\n        <li key={item.id} onClick={() => onSelect(item)}>{item.name}</li>\n"
        "      ))}\n    </ul>\n  );\n}\n",
    ),
    Probe(
        "shortest path between two nodes of a graph",
        "Dijkstra's algorithm with a priority queue over weighted edges.",
        "def dijkstra(graph, start, goal):\n    queue, seen = [(0, start)], set()\n    while queue:"
        "\n        cost, node = heapq.heappop(queue)\n        if node == goal:\n            return "
        "cost\n        if node not in seen:\n            seen.add(node)\n            for other, "
        "weight in graph[node]:\n                heapq.heappush(queue, (cost + weight, other))\n",
    ),
    Probe(
        "resize an image and keep its proportions",
        "Scales a picture down to a thumbnail without distorting it.",
        "fn thumbnail(image: &DynamicImage, width: u32) -> DynamicImage {\n    let height = "
        "width * image.height() / image.width();\n    image.resize(width, height, "
        "FilterType::Lanczos3)\n}\n",
    ),
    Probe(
        "send an email with an attachment",
        "Builds a message with an attached file and hands it to the mail server.",
        "def send_report(address, path):\n    message = EmailMessage()\n    message['To'] = address"
        "\n    message.add_attachment(path.read_bytes(), maintype='application', subtype='pdf')\n"
        "    with smtplib.SMTP(HOST) as server:\n        server.send_message(message)\n",
    ),
    Probe(
        "stop the server gracefully when a signal arrives",
        "On SIGTERM, stops accepting connections and waits until open requests have ended.",
        "process.on('SIGTERM', () => {\n  server.close(() => {\n    pool.end();\n    process.exit("
        "0);\n  });\n});\n",
    ),
    Probe(
        "compute the standard deviation of a series",
        "Statistics of a list of numbers: mean and standard deviation.",
        "double deviation(const std::vector<double>& values) {\n  double mean = std::accumulate("
        "values.begin(), values.end(), 0.0) / values.size();\n  double sum = 0;\n  for (double "
        "value : values) sum += (value - mean) * (value - mean);\n  return std::sqrt(sum / "
        "values.size());\n}\n",
    ),
    Probe(
        "check whether a user may delete a project",
        "Authorization: only owners and administrators are allowed to remove a project.",
        "class ProjectPolicy\n  def destroy?\n    user.admin? || record.owner_id == user.id\n  end"
        "\nend\n",
    ),
    Probe(
        "split a text into tokens",
        "A lexer that turns source text into numbers, names and operators.",
        "def tokenize(source):\n    for match in TOKEN.finditer(source):\n        kind = "
        "match.lastgroup\n        if kind != 'space':\n            yield Token(kind, match.group())"
        "\n",
    ),
    Probe(
        "compress and upload a backup to object storage",
        "Writes an archive of the data directory and stores it in a bucket.",
        'backup() {\n  tar -czf "/tmp/$1.tar.gz" "$DATA"\n  aws s3 cp "/tmp/$1.tar.gz" '
        '"s3://$BUCKET/$1.tar.gz"\n}\n',
    ),
    Probe(
        "convert an amount between currencies",
        "Multiplies a sum of money by the exchange rate of the day and rounds it.",
        "public Money convert(Money amount, Currency target) {\n  var rate = rates.find("
        "amount.currency(), target);\n  return new Money(amount.value().multiply(rate)"
        ".setScale(2, RoundingMode.HALF_EVEN), target);\n}\n",
    ),
)
PROBES_VERSION = "1"
