"""What docs/benchmarks.md says around its tables."""

PAGE = """# Benchmarks

<!-- Written by bench/accuracy.py; change that, not this page. -->

How much does each tool repair, and how much does it spoil? All tools got the same cases, with the same scorers.

    python bench/accuracy.py ../shared --limit {limit} -o docs/benchmarks.md

{machine}. A set has at most {limit} cases, spread evenly over it; their number stands in brackets. On 3,000 cases a difference
of less than 2 points means nothing, on 200 one of less than 7.

Best figures are bold. {mark} marks a figure that is **no independent measure** of that tool, because it ships the list that the
set was made of, or the set is its own tests. \\* marks tools that had fewer cases than the others because they are slow
([set-up](#set-up)).

## Read this first: what these figures cannot tell

- The cases are the development half of public sets. This project was tuned on them; the peers were not. Its confidence was
  fitted on the very lines of the first table, so there it looks better than it will on your text. To see by how much, the
  documents are split in two halves by a hash of the repository, fitted on one and measured on the other: those figures stand on
  [the spelling page](spelling.md#how-sure-it-is).
- The clean prose is VMware documentation, and the project ships terms and pairs of words counted in it. On another domain
  it knows less. The [ablation](#what-each-source-of-evidence-contributes) has rows without them.
- The project ships codespell's list of misspellings and cspell's, which has typos' and Wikipedia's. So the sets `codespell`,
  `typos` and `wikipedia` only measure whether it looks words up. codespell and typos are in the same place.
- `clean_words` comes from SCOWL and from cspell's dictionaries, which the project ships. aspell's and hunspell's English
  dictionaries are made of SCOWL, too. Its English words are those that symspellpy's list lacks: against symspellpy, and
  the chain that uses it, that is unfair on purpose. hunspell has the American dictionary only.
- `unicode_ftfy` is ftfy's own test suite. The project, the naive chain and clean-text use ftfy.

## Where another tool is better

Every figure on this page in which a tool that had all cases is ahead of the project:

{weaker}
## Real typos and clean prose

Lines of public VMware documentation before a person fixed a typo in them: the share of typos fixed (recall), the share of
changes that are right (precision), false changes per 1,000 words. Beside it the harm on paragraphs of clean prose: words
changed, words split, and misspellings fixed that the prose really has. Tools that fix hardly any typo (ftfy, clean-text) are
left out. The scorer counts a decoded `&quot;` as a false change: about 0.5 of those per 1,000 of the project and the naive chain.

{side_by_side}
![Recall against false changes per 1,000 words](images/typos.svg)

![Words changed and split per 1,000 words of clean prose](images/harm.svg)

"Gated" is what a careful user would do with a spelling checker on technical text: it gets only lower-case words of four letters
and more.

## One misspelled word, no gate

The first suggestion is an accepted correction, in %. Some sets have words that are right by themselves ("omitted" for
"admitted"), which nobody can see without context.

{words}
![First suggestion right, by set](images/spelling.svg)

## Run-together words, no gate

The best split is an accepted split, in %.

{splits}
![Best split right, by set](images/segmentation.svg)

## Splitting, let loose on text

The same splitters as one would use them on text: a word that their own list knows is not asked about. For the project these are
the stages `compounds` and `spelling`, which decide by themselves. The first column is what they find, the others are the share
of right words that stay as they are, all in %. The run-together words come one by one here, without the sentence that helps
to decide.

{gate}
## Elongated words

`sooooo` -> `so`, in % right. `keep` (`www`, `AAA`, `5000`): left alone, in %.

{elongation}
## Unicode and HTML

The output equals the expected text, in %. For `html text` the project reads whole pages (`html="page"`).

{characters}
## Spelling in running text

Token by token: damaged tokens that were fixed, and right tokens that were harmed, in % of each. The number in brackets is that
of the damaged tokens.

{context}
## Right words

Words that a corrector must leave alone, one by one and so without context: changed, and split into parts that join to the same
word, in %.

{clean}
## What each source of evidence contributes

The project with one thing taken away and everything else as it is: the weights are not fitted anew. Sets of at most
{ablation_limit} cases, {ablation_date}. The columns: real typos, clean prose, right words, two sets of single words, two of
running text (fixed % / harmed %). A row that is better than the first means that the evidence costs more on these cases than it
brings; it is there for other text.

{ablation}
What each source of words contributes: [the lexicon report](lexicon-report.md).

## Set-up

{setups}
All are used through their Python interface, or through the command line where it says so. Words in addresses and paths or
with digits and underscores are not given to the spelling checkers.
"""
