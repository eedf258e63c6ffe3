"""The small words that the split must know by name: what is elided, what is contracted, what a sentence goes on after.

Everything else about words comes from tables (`vocabulary`, `letters`).
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: heads of an elision («l'», «qu’»): the languages that write it
ELIDED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("l", "d", "c"), ("fr", "it")),
    **dict.fromkeys(
        ("j", "m", "t", "s", "n", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "quelqu", "presqu", "aujourd"), ("fr",)
    ),
    **dict.fromkeys(("un", "dell", "all", "nell", "sull", "dall", "quest", "quell", "tutt", "com", "dov"), ("it",)),
}

#: tails after an apostrophe («it's», «don’t»), and the language that writes them
CONTRACTED: dict[str, tuple[str, ...]] = dict.fromkeys(("s", "t", "re", "ve", "ll", "d", "m"), ("en",))

#: words after which a sentence goes on: a hashtag behind one of them is a word of the sentence
LEADING_ON = _words("""
    the a an of to by with from in on over at for and my our your this that these near above into via is are
    le la les un une c'est de du des à a au aux par avec sur en dans pour et sous vers chez mon ma mes notre nos ce
    cette ces entre depuis est sont
    """)

#: words that go on with a sentence and begin none
GOING_ON = _words("""
    is are was were has had will would and or of who which made makes comes came said says opens as with for
    est sont était sera ont et ou de du des qui que dont comme dit avec pour par
    """)

#: words of which a line is made that only says where the other language is: «Aussi en français sur notre site»
POINTING = _words("""
    english french anglais anglaise français française francais francaise vf va version text texte translation
    traduction a also an and as at available below above bio click comment comments description down first follow
    follows for go here in is it link next on our out page post read reply replies scroll see site story swipe the
    this thread to up web website après au aussi bas ci cliquez commentaire commentaires dans de dessous dessus
    disponible en et fil ici l la le lien lire notre par plus premier réponse réponses suit suite sur voir
    """)

#: words that make a figure a day, a time of day or the number of a picture: «Photo n° 12», «lundi 3», «18 h»
FIGURED = _words("""
    monday tuesday wednesday thursday friday saturday sunday lundi mardi mercredi jeudi vendredi samedi dimanche
    h utc gmt cest cet tu am pm photo photographie image picture pic video vidéo cliché visuel file fichier id réf ref
    n no nr num numéro number
    """)

#: words that may stand beside such a figure
BESIDE_FIGURES = _words("""
    mon tue tues wed thu thur thurs fri sat sun lun mar mer jeu ven sam dim er st nd rd th e ème eme le on the of du de
    at à a p m z min s sur and et taken shot prise pris date time heure local locale
    """)
