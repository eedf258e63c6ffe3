"""The commonest words of each language, written down by hand; knows no text and no statistics.

They are the words that hold a sentence together (articles, pronouns, prepositions, auxiliaries): few, short,
hard for letter statistics, and found in every caption; and, for French and English, what short captions from orbit
are made of (days, numbers, weather, landscape, life on board), but for words that one borrows from the other.
A word may stand in several lists; it then tells nothing between them. Spelled without the apostrophe of an elision
(``l`` stands in ``ELIDED``).
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS: dict[str, frozenset[str]] = {
    "fr": _words("""
        a à afin ai aient ainsi ait alors après as assez au aucun aucune aujourd'hui auprès aura aussi autant autour
        autre autres aux avaient avais avait avant avec avez avoir avons ayant beau beaucoup belle bien bientôt bon
        bonjour bonne bravo car ce ceci cela celle celles celui ces cet cette ceux chacun chaque chez ci comme comment
        contre côté d'abord dans de déjà demain depuis dernier dernière derrière des dès désolé dessous dessus deux
        devant dire dit dix doit dont du durant elle elles en encore enfin ensuite entre es est et étaient étais était
        étant été être eu eux faire fait faites fallait fau faut font grâce ici il ils jamais je jour jours jusqu
        jusque l'on la là le les leur leurs loin lors lorsque lui ma mais mal malgré me même mêmes merci mes mieux
        mis moi moins mois mon monde ne ni non nos notre nôtre nous nouveau nouvelle nuit on ont ou où oui par
        parce parfois parmi pas pendant personne petit petite peu peut peuvent peux plein plupart plus plusieurs
        plutôt pour pourquoi pourtant pouvez pouvoir près presque prochain prochaine puis puisque quand quatre que
        quel quelle quelles quelque quelques quels qui quoi quoique rien sa sans sauf se sera serai seront ses seul
        seulement si sien soi soient soir sois soit sommes son sont sous souvent suis sur surtout ta tant te tel telle
        tes toi ton tôt toujours tous tout toute toutefois toutes très trois trop tu un une va vais vas vers veut veux
        voici voilà voir vos votre vôtre voudrais vous vraiment vu vue y ça survol lever coucher vol ville ciel terre
        île îles neige pays mer nuage nuages étoile étoiles lumière lumières équipage salut coucou allez ouais hélas
        lac lacs fleuve rivière montagne montagnes plage plages côte côtes baie forêt port pont ponts ombre ombres
        soleil lune orage orages tempête éclair éclairs glace glacier glaciers désert champs couleurs rouge bleu bleue
        vert verte jaune noir noire blanc blanche haut haute bas basse grand grande petite vieux vieille jeune eau feu
        vaisseau fusée décollage atterrissage amarrage sortie scaphandre hublot fenêtre capsule séjour vitesse
        heure heures minute année années semaine matin soirée fin début retour départ arrivée photo cliché vues dessus
        travail vie homme femme enfants maison amis chat chien arbre fleur fleurs oiseau
        lundi mardi mercredi jeudi vendredi samedi dimanche janvier février avril juin juillet août septembre octobre
        novembre décembre printemps automne hiver huit neuf cinq onze douze quinze vingt trente mille pluie vent brume
        brouillard ouragan détroit golfe vallée vallées volcan volcans cratère cratères récif récifs lagon lagons rivage
        falaise falaises colline collines plaine plaines banquise océan océans mers fleuves rivières frontière
        frontières royaume rue rues quartier pierre sable nord sud ouest spatial spatiale spatiales astronaute
        astronautes orbite orbites hublots écoutille panneau panneaux solaire solaires laboratoire expérience
        expériences recherche lancement ravitaillement fusées moteur moteurs sol planète planètes pesanteur apesanteur
        gravité aurore aurores comète bras entraînement sommeil repas regarde regardez regarder voyez voit passe passons
        survole survolons reconnaît devinez écoutez bienvenue bonsoir joyeux joyeuse anniversaire félicitations dormi
        dormir européenne européen américain russe français française magnifique magnifiques incroyable splendide étoilé
        étoilée enneigé enneigée gelé gelée prêt prête prêts premier première premiers premières bout milieu dehors
        """),
    "en": _words("""
        a about above across after again against all almost along already also always am among an and another any
        anyone anything are around as at away back be became because been before behind being below best between
        beyond big both but by came can cannot come could day days did do does doing done down during each earth
        either enough even ever every everyone everything far few first for found from full get gets getting give go
        goes going gone good got great had happy has have having he hello her here hers high him his how i if in inside
        into is it its itself just keep know last later least left let like little long look looking looks lot made
        make makes many may maybe me might mine more most much must my myself near need never new next night no nor
        not nothing now of off often old on once one only onto or other our ours out outside over own perhaps quite
        rather really right said same saw say see seen shall she should show since small so some someone something
        soon still such take takes than thank thanks that the their them then there these they thing things think
        this those though three through time to today together tomorrow tonight too took towards two under until
        up upon us use used using very view want was way we week well went were what when where whether which while
        who whole whom whose why will with within without world would yes yesterday yet you your yours flying sunrise
        sunset sky sea snow cloud clouds light lights star stars crew hi hey yeah wow oh alas
        lake lakes river rivers mountain mountains beach beaches coast coasts bay forest harbour harbor bridge bridges
        shadow shadows sun moon storm storms lightning ice glacier glaciers fields colors colours red blue green yellow
        black white deep tall old young water fire spacecraft spaceship rocket launch landing docking spacewalk suit
        window windows stay speed hour hours minutes year years week weeks morning evening end start
        arrival picture pictures photo shot views work life man woman children house home friends cat dog tree
        flower flowers bird join ready
        monday tuesday wednesday thursday friday saturday sunday january february april june july august september
        october november december spring summer autumn winter four five seven eight nine ten eleven twelve fifteen
        twenty thirty hundred thousand rain wind mist fog hurricane strait gulf valley valleys volcano volcanoes crater
        craters reef reefs lagoon lagoons shore shores cliff cliffs hill hills ocean oceans seas border borders kingdom
        city cities town towns street streets road roads stone sand north south east west astronaut astronauts orbits
        hatch airlock panels laboratory experiment experiments research engine engines ground planet planets
        weightlessness gravity dawn dusk comet arm training sleep asleep slept meal meals breakfast dinner watch
        watching fly flies flew pass passing guess listen wait coming welcome birthday congratulations bright low
        beautiful wonderful amazing huge tiny starry snowy frozen middle moonrise moonlight sunlight
        """),
    "de": _words("""
        aber als am an auch auf aus bei bin bis da das dass dem den der des die dich dir doch durch ein eine einem einen
        einer eines er es euch für gegen haben hat hatte hier ich ihm ihn ihr ihre im in ist ja kann kein keine können
        man mehr mein mich mir mit nach nicht noch nun nur ob oder ohne schon sehr sein seine sich sie sind so über um
        und uns unser unter vom von vor war waren was wenn wer werden wie wieder wir wird wurde zu zum zur zwischen
        guten morgen danke heute
        """),
    "es": _words("""
        a al algo ante antes aquí así aún bajo bien como con contra cuando de del desde donde dos el él ella ellos en
        entre era es esa ese eso esta está están estas este esto estos fue gracias ha hacia han hasta hay hoy la las le
        les lo los más me mi mientras muy nada ni no nos nosotros nuestra nuestro o os otra otro para pero poco por
        porque que qué quien se ser si sí siempre sin sobre son su sus también tan te tiene todo todos tu un una uno y
        ya yo noche buenos días desde
        """),
    "it": _words("""
        a ad ai al alla alle allo anche ancora avere bene c'è che chi ci come con cosa così cui da dai dal dalla dalle
        de dei del della delle dello di dopo dove due e è ed era essere fa fra gli ha hai hanno ho i il in io la le lei
        lo loro lui ma me mi mia mio molto ne nei nel nella nelle no noi non nostra nostro o ogni ora per perché però
        più poi prima qua quando quasi quella quello quest questa queste questi questo qui se sei sempre senza si sia
        sono sopra sotto sta stato sua sul sulla suo te ti tra tu tutti tutto un una uno vi voi notte grazie buongiorno
        """),
    "pt": _words("""
        a ao aos as até bem com como da das de depois do dos e é ela ele em entre era essa esse esta está este eu foi há
        isso isto já lhe mais mas me mesmo meu minha muito na não nas no nos nós nossa nosso num numa o os ou para pela
        pelo por porque quando que quem se sem ser seu sua são só também te tem um uma você obrigado noite
        """),
    "nl": _words("""
        aan al als bij dan dat de deze die dit door een en er haar had heb heeft het hier hij hoe hun ik in is je kan
        maar meer met mijn naar niet nog nu of om onder ons ook op over te tot uit van vanaf veel voor was wat we wel
        werd wij worden zich zij zijn zo zou
        """),
    "pl": _words("i w z na do nie się to jest że jak ale po od dla czy przez przy są był było tak już tylko"),
    "ru": frozenset(),
}

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
    le la les un une de du des à a au aux par avec sur en dans pour et sous vers chez mon ma mes notre nos ce cette
    ces entre depuis est sont
    """)
