"""The services' code: small, real, and tested by their pipelines in well under a second."""

from textwrap import dedent

from bot.sandbox.company import Service


def _text(source: str) -> str:
    return dedent(source).lstrip("\n")


# service -> (module, its code, its tests)
_CODE = {
    "checkout": (
        "totals",
        """
        \"\"\"Totals of a basket, in cents.\"\"\"

        FREE_DELIVERY_FROM = 5000
        DELIVERY = 490


        def total(items, voucher_percent=0):
            \"\"\"Return what a basket of (price, count) costs with delivery.\"\"\"
            goods = sum(price * count for price, count in items)
            goods -= goods * voucher_percent // 100
            if goods <= 0:
                return 0
            return goods if goods >= FREE_DELIVERY_FROM else goods + DELIVERY
        """,
        """
        def test_delivery_is_added_to_small_baskets(self):
            self.assertEqual(total([(1000, 2)]), 2490)

        def test_large_baskets_are_delivered_free(self):
            self.assertEqual(total([(2500, 2)]), 5000)

        def test_free_delivery_counts_after_vouchers(self):
            self.assertEqual(total([(2500, 2)], voucher_percent=10), 4990)
        """,
    ),
    "ledger-writer": (
        "ledger",
        """
        \"\"\"Entries of the books; every order is written once.\"\"\"


        class Ledger:
            \"\"\"A list of balanced entries.\"\"\"

            def __init__(self):
                self.entries = {}

            def write(self, order, debit, credit):
                \"\"\"Write an order's entry and tell whether it is new.\"\"\"
                if debit != credit:
                    raise ValueError(f"order {order} is not balanced: {debit} != {credit}")
                if order in self.entries:
                    return False
                self.entries[order] = debit
                return True
        """,
        """
        def test_an_order_is_written_once(self):
            books = Ledger()
            self.assertEqual([books.write("o-1", 500, 500), books.write("o-1", 500, 500)], [True, False])

        def test_entries_are_balanced(self):
            with self.assertRaises(ValueError):
                Ledger().write("o-2", 500, 400)
        """,
    ),
    "payments": (
        "cards",
        """
        \"\"\"What may be shown of a card, and whether its number can be right.\"\"\"


        def masked(number):
            \"\"\"Return a card number with all but the last four digits hidden.\"\"\"
            return "*" * (len(number) - 4) + number[-4:]


        def valid(number):
            \"\"\"Tell whether the check digit fits (Luhn).\"\"\"
            digits = [int(digit) for digit in reversed(number)]
            doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
            return (sum(digits[::2]) + sum(doubled)) % 10 == 0
        """,
        """
        def test_logs_show_four_digits(self):
            self.assertEqual(masked("4111111111111111"), "************1111")

        def test_check_digit(self):
            self.assertEqual([valid("4111111111111111"), valid("4111111111111112")], [True, False])
        """,
    ),
    "catalog": (
        "articles",
        """
        \"\"\"Articles and bundles of them.\"\"\"

        from dataclasses import dataclass


        @dataclass
        class Article:
            \"\"\"A lantern, its price in cents and how many there are.\"\"\"

            name: str
            price: int
            stock: int


        def bundle(name, articles, discount=0):
            \"\"\"Return several articles as one; it lasts as long as its scarcest.\"\"\"
            price = sum(article.price for article in articles) - discount
            return Article(name, price, min(article.stock for article in articles))
        """,
        """
        def test_a_bundle_lasts_as_long_as_its_scarcest_article(self):
            pair = bundle("pair", [Article("red", 900, 3), Article("blue", 1100, 1)], discount=200)
            self.assertEqual((pair.price, pair.stock), (1800, 1))
        """,
    ),
    "search": (
        "matching",
        """
        \"\"\"Finds articles by words, forgiving accents.\"\"\"

        import unicodedata


        def plain(text):
            \"\"\"Return a text in lower case and without accents.\"\"\"
            parts = unicodedata.normalize("NFKD", text.lower())
            return "".join(part for part in parts if not unicodedata.combining(part))


        def find(words, articles):
            \"\"\"Return the articles that hold every word.\"\"\"
            wanted = plain(words).split()
            return [article for article in articles if all(word in plain(article) for word in wanted)]
        """,
        """
        def test_accents_make_no_difference(self):
            self.assertEqual(find("cafe", ["Café lantern", "Storm lantern"]), ["Café lantern"])

        def test_every_word_counts(self):
            self.assertEqual(find("storm lamp", ["Storm lantern"]), [])
        """,
    ),
    "web-frontend": (
        "pages",
        """
        \"\"\"The shop's pages.\"\"\"

        from html import escape


        def page(title, body, basket=0):
            \"\"\"Return a page; title and body are texts, not markup.\"\"\"
            return f"<title>{escape(title)}</title><p>{escape(body)}</p><aside>{basket}</aside>"
        """,
        """
        def test_texts_are_escaped(self):
            self.assertIn("&lt;b&gt;", page("Lanterns", "<b>"))

        def test_the_basket_is_on_every_page(self):
            self.assertIn("<aside>2</aside>", page("Lanterns", "", basket=2))
        """,
    ),
    "notifications": (
        "letters",
        """
        \"\"\"Letters to customers, and when they may be sent.\"\"\"

        QUIET_FROM, QUIET_TO = 21, 8


        def letter(name, order):
            \"\"\"Return the text about an order received.\"\"\"
            return f"Dear {name}, your order {order} is with us."


        def quiet(hour):
            \"\"\"Tell whether nobody should be written to at this hour of theirs.\"\"\"
            return hour >= QUIET_FROM or hour < QUIET_TO
        """,
        """
        def test_letters_greet_by_name(self):
            self.assertTrue(letter("Mo", "o-7").startswith("Dear Mo"))

        def test_nights_are_quiet(self):
            self.assertEqual([quiet(23), quiet(7), quiet(8)], [True, True, False])
        """,
    ),
}

_PIPELINE = """
# Every push is built and tested; a tag is published as an image.
stages: [build, test, publish]

variables:
  PYTHONPATH: "."

default:
  image: python:3.13-slim

compile:
  stage: build
  script:
    - python3 -m compileall -q {package}

unit:
  stage: test
  needs: [compile]
  timeout: 5 minutes
  retry:
    max: 1
    when: runner_system_failure
  script:
    - python3 -m unittest discover -s tests

version:
  stage: test
  script:
    - test -s VERSION
    - echo "this is {name} $(cat VERSION)"

container:
  stage: publish
  script:
    - echo "publishing $CI_REGISTRY_IMAGE:$CI_COMMIT_TAG"
  rules:
    - if: $CI_COMMIT_TAG
"""


_TESTS = "`python3 -m unittest discover -s tests` runs its tests."


def files(service: Service) -> dict[str, str]:
    """Return a service's files but VERSION and CHANGELOG.md, which its releases write."""
    module, code, tests = _CODE[service.name]
    package = service.name.replace("-", "_")
    imports = f"import unittest\n\nfrom {package}.{module} import *  # noqa: F403\n"
    head = f"{imports}\n\nclass Test{module.title()}(unittest.TestCase):\n"
    body = "".join(f"    {line}\n" if line else "\n" for line in _text(tests).splitlines())
    return {
        ".gitlab-ci.yml": _text(_PIPELINE).format(package=package, name=service.name),
        ".gitignore": "__pycache__/\n",
        "Dockerfile": f"FROM python:3.13-slim\nCOPY {package} /app/{package}\nCOPY VERSION /app/\nWORKDIR /app\n",
        "README.md": f"# {service.name}\n\n{service.description} Team: {service.owner}.\n\n{_TESTS}\n",
        f"{package}/__init__.py": f'"""{service.description}"""\n',
        f"{package}/{module}.py": _text(code),
        f"tests/test_{module}.py": head + body,
    }
