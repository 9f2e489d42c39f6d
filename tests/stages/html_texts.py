"""Generated and hostile texts for the tests of both HTML modes."""

from hypothesis import strategies as st

FRAGMENTS = st.sampled_from(
    [
        *"< > & ; ! -- <!-- --> <b> </b> <p> </p> <br> <td> <tr> <li> <pre> </pre> <code> </code> <title> </title> <source> <a "
        'href="x"> </a> ` `` ``` ~~~ &lt; &gt; &amp; amp; lt; &copy &#39; &#38; <script> </script> <![CDATA[ ]]> <?xml ?> '
        "<!DOCTYPE html> word x= = \" ' / http://a?b=1 {% [source] ---- | <svg> <img alt='a b'> <x-y> </x-y> <% %>".split(" "),
        " ",
        " the ",
        " tag ",
        "</td>\n<td>",
        'x = "',
        "\nprint(",
        "\n@@ -1,2 +1,2 @@\n",
        "\n+",
        "\n",
        "\n\n",
        "\n    ",
        "\t",
        "\r\n",
        "\xa0",
        "é",
    ]
)
TEXTS = st.one_of(st.lists(FRAGMENTS, max_size=25).map("".join), st.text(max_size=60))

HOSTILE = {
    "nested": "<div>" * 200_000,
    "open tags": "<x" * 100_000,
    "angles": "<" * 1_000_000,
    "ampersands": "&" * 1_000_000,
    "open comment": "<!--" + "a" * 10_000_000,
    "open comments": "<!--" * 100_000,
    "open CDATA": "<![CDATA[" + "a" * 10_000_000,
    "open tag": "<a " + "b " * 5_000_000,
    "open attribute": '<a href="' + "c" * 10_000_000,
    "open attributes": '<a b="' * 100_000,
    "mixed quotes": "<b '\"" * 100_000,
    "scripts": "<script>" * 100_000,
    "code": "<code>" * 100_000 + "</code>",
    "ticks": "`a``b" * 100_000,
    "fences": "".join("`" * (3 + i % 50) + "\n" for i in range(20_000)),
    "escapes": "&" + "amp;" * 200_000 + "lt;",
    "numeric escapes": "&" + "#38;" * 200_000 + "lt;",
    "digits": "&#" + "9" * 1_000_000 + ";",
    "references in a URL": "http://a/?x=1" + "&copy" * 100_000,
    "breaks on one line": "<br>a" * 100_000,
    "spaces": (" " * 1_000 + "<p>") * 500,
    "blank lines": "a\n" + "    \n" * 200_000,
    "wrapped": "<" * 1_000 + "b>" * 1_000,
    "unknown": "<aa>" * 100_000 + "</aa>" * 100_000,
    "strings": ('x = "' + '"<b>"' * 300 + "\n") * 300,
    "strings on one line": 'x("' + "<b>'\"" * 100_000,
    "named": "the <br> tag " * 50_000,
    "hunks": "@@ -1,9 +1,9 @@\n <b>\n" * 30_000,
    "code that shows tags": "<code>&lt;b&gt;</code>` " * 10_000,
    "cells": "<td>a</td>\n" * 20_000,
    "crossing code": "<td><code>a</td><td>b</code></td>" * 20_000,
    "doctypes": "<!doctype " * 100_000,
}
