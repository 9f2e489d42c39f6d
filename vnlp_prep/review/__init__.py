"""What a person looks at: the changes of a corpus in groups, a report that shows them, and a page on which they are decided.

groups.py      edits and suggestions -> groups of equal changes, with examples, in bounded memory
figures.py     the numbers beside them: by rule, by confidence, over the corpus, by file
pieces.py      what an encoder makes of the texts
collect.py     a corpus -> groups and figures; nothing is written
logged.py      an edit log -> the same; nothing is cleaned again
markup.py      HTML that escapes all it shows
charts.py      charts as SVG
listing.py     groups as a list that opens to examples
report_page.py groups and figures -> the report, one page of HTML with report.css and report.js in it
decisions.py   what a person decides -> rows of the lexicon's file, and back
session.py     what one review knows: groups, decisions, their effect
server.py      the web page of a review, from page/, for one person on this machine
"""
