"""Element and attribute names of HTML, grouped by what the HTML stage has to know about them.

The names are those of the HTML standard (elements and attributes indices, "obsolete features") and of SVG 2 and MathML
Core. Names are lower case.
"""

from __future__ import annotations


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Elements that nobody uses as a placeholder: a tag of theirs is markup unless a sentence mentions it.
SURE = _names(
    "br div span strong em ul ol li dl dt tr td th tbody thead tfoot h1 h2 h3 h4 h5 h6 blockquote pre tt html"
    " figcaption figure iframe textarea fieldset colgroup noscript noframes nobr font center strike hgroup"
    " optgroup blink marquee noembed frameset o:p"
)

#: Elements whose names are also common words or letters: `cp <source> <target>`, `Press <b>`, `<yyyy>-<mm>-<dd>`.
AMBIGUOUS = _names(
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big body button"
    " canvas caption cite code col command content data datalist dd del details dfn dialog dir embed footer form"
    " frame head header hr i image img input ins isindex kbd keygen label layer legend link listing main map mark"
    " math menu menuitem meta meter multicol nav nextid object option output p param picture plaintext portal"
    " progress q rb rp rt rtc ruby s samp script search section select shadow slot small source spacer style sub"
    " summary sup svg table template time title track u var video wbr xmp"
)

#: Names that only mean something inside <svg> or <math>.
FOREIGN = _names(
    "animate animatemotion animatetransform circle clippath defs desc ellipse feblend fecolormatrix fecomposite"
    " feflood fegaussianblur feimage femerge femergenode feoffset filter foreignobject g line lineargradient"
    " marker mask metadata mpath path pattern polygon polyline radialgradient rect set stop switch symbol text"
    " textpath tspan use view annotation maction menclose merror mfrac mi mmultiscripts mn mo mover mpadded"
    " mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder"
    " munderover none semantics"
)

#: Elements that have no closing tag.
VOID = _names(
    "area base basefont bgsound br col command embed frame hr image img input isindex keygen link meta nextid"
    " param source spacer track wbr"
)

#: Elements whose closing tag may be left out, so that a lone opening tag is no mistake.
OPTIONAL_CLOSE = _names("p li dt dd td th tr thead tbody tfoot colgroup option optgroup")

#: Elements whose body is not text of the document.
HIDDEN = _names("script style template")

#: Elements whose body is program text or typed text.
CODE = _names("pre code kbd samp tt listing xmp")

#: Elements that are set apart by a blank line.
PARAGRAPH = _names("p h1 h2 h3 h4 h5 h6 pre blockquote table listing xmp")

#: Elements that start on a line of their own.
BLOCK = PARAGRAPH | _names(
    "address article aside body br caption center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form frameset head header hgroup hr html legend li main menu nav ol optgroup option search section"
    " summary tbody tfoot thead title tr ul"
)

#: Elements that give a page its structure: a lone tag of theirs beside other block markup is markup too.
STRUCTURE = _names(
    "address article aside body caption center colgroup dd details dialog dl dt fieldset footer form head header hr"
    " html legend main menu nav optgroup option section select summary table"
)

#: Table cells.
CELL = _names("td th")

#: Elements that a reader sees as a thing of its own: words on both sides of them are apart.
REPLACED = _names("applet audio button canvas embed iframe image img input meter object progress select svg textarea video")

#: Elements that are not the main content of a page.
BOILERPLATE = _names("nav aside footer")

#: Attributes that may stand without a value.
BOOLEAN_ATTRIBUTES = _names(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled download"
    " formnovalidate hidden inert ismap itemscope loop multiple muted nohref nomodule noresize noshade novalidate"
    " nowrap open playsinline readonly required reversed selected"
)

#: Attributes that may have a value without quotes.
ATTRIBUTES = BOOLEAN_ATTRIBUTES | _names(
    "abbr accept accesskey action align alink allow alt archive autocomplete axis background bgcolor border"
    " bordercolor cellpadding cellspacing char charset cite class classid classname clear code codebase color cols"
    " colspan content contenteditable coords data datetime decoding dir draggable enctype face for form frame"
    " frameborder headers height high href hreflang hspace id integrity itemid itemprop itemref itemtype kind"
    " label lang language link list loading longdesc low marginheight marginwidth max maxlength media method min"
    " minlength name onblur onchange onclick onfocus onload onmouseout onmouseover onsubmit optimum pattern ping"
    " placeholder point-size poster preload profile referrerpolicy rel rev role rows rowspan rules sandbox scheme"
    " scope scrolling shape size sizes slot span spellcheck src srcdoc srclang srcset standby start step style"
    " summary tabindex target text title translate type usemap valign value valuetype version vlink vspace width"
    " wrap xmlns"
)

#: Every name that can be markup.
KNOWN = SURE | AMBIGUOUS
