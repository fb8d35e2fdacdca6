"""Words and rules of the built-in URL corpus, written for this project."""

TOPICS = {
    "sport": (
        "match league coach final score goal team season transfer stadium cup player record derby training tennis cycling "
        "referee medal race"
    ).split(),
    "travel": (
        "hotel flight island beach guide city tour ticket summer winter train museum camping family weekend airport mountain "
        "coast map trip"
    ).split(),
    "food": (
        "recipe bread cheese soup garden kitchen dinner easy vegan pasta lemon chicken chocolate coffee season market salad "
        "baking wine tea"
    ).split(),
    "tech": (
        "phone laptop review update security network cloud server android battery screen release camera driver browser privacy "
        "storage patch linux chip"
    ).split(),
    "money": (
        "bank credit loan tax market stock budget insurance mortgage pension savings invest fund rate payment invoice profit "
        "trade account crisis"
    ).split(),
    "health": (
        "doctor sleep diet clinic heart vaccine study symptom therapy yoga stress skin pain allergy nurse hospital vitamin "
        "fitness virus child"
    ).split(),
    "home": (
        "sofa lamp table chair carpet curtain shelf mirror pillow kitchen bedroom garden wall paint wood storage desk rug vase "
        "blanket"
    ).split(),
    "fashion": (
        "dress shoes leather jacket cotton summer winter blue black white red slim classic sneaker boots shirt wool bag watch "
        "scarf"
    ).split(),
    "auto": (
        "engine tyre hybrid electric diesel brake dealer used repair motor garage wheel battery test drive van truck bike "
        "gearbox rental"
    ).split(),
    "games": (
        "quest level guide walkthrough arcade puzzle online multiplayer patch mod server steam console trailer review cheat map "
        "craft heroes strategy"
    ).split(),
    "school": (
        "course exam student teacher lesson history science english maths degree campus library thesis summer grant online "
        "college book essay"
    ).split(),
    "music": (
        "album concert guitar piano song lyrics band tour festival video radio remix vinyl drum choir singer jazz rock live "
        "chart"
    ).split(),
}
NAMES = "anna ben carla david emma felix greta hugo ines jonas karin leo marta nils olga paul rosa simon tina viktor".split()
FIRST_PARTS = (
    "al an ar be bel bo ca cor da del di el en fa fer fi ga gra ha in ja ka kel la lo lu ma mer mi na ne no or pa per po "
    "qua ra ri ro sa ser si so sta ta ter ti to tri u va ver vi vo wa wil xe yo za zen"
).split()
LAST_PARTS = (
    "ba bo ca co da do fa fy go ka ko la li lo lu ly ma mi mo na ne ni no ra ro sa si so ta ti to tra va vo x xa za zo n r "
    "s t l"
).split()
NAME_WORDS = (
    "shop store web media group tech lab hub world online life data net point box home art star blue green red north city "
    "land works"
).split()

PAGES = "contact about product news search cart login".split()
# What these are called in the language of a site.
LANGUAGES = {
    "en": "contact about-us products news search cart login".split(),
    "de": "kontakt ueber-uns produkte aktuelles suche warenkorb anmelden".split(),
    "fr": "contact qui-sommes-nous produits actualites recherche panier connexion".split(),
    "es": "contacto quienes-somos productos noticias buscar carrito acceso".split(),
    "it": "contatti chi-siamo prodotti notizie cerca carrello accedi".split(),
    "nl": "contact over-ons producten nieuws zoeken winkelwagen inloggen".split(),
    "pl": "kontakt o-nas produkty aktualnosci szukaj koszyk logowanie".split(),
}
# Suffix, its weight among sites, and the language that goes with it. The order of weights follows the sizes of real zones, roughly.
SUFFIXES = (
    ("com", 46, "en"), ("org", 8, "en"), ("net", 7, "en"), ("de", 9, "de"), ("co.uk", 6, "en"), ("fr", 4, "fr"),
    ("nl", 4, "nl"), ("it", 3, "it"), ("es", 3, "es"), ("pl", 3, "pl"), ("com.au", 2, "en"), ("io", 2, "en"),
    ("info", 2, "en"), ("ch", 1, "de"), ("at", 1, "de"), ("com.mx", 1, "es"),
)  # fmt: skip
CHEAP_SUFFIXES = "tk ml ga cf xyz top info club online site icu live".split()
# Names that phishing imitates.
TARGETS = "paypal microsoft amazon netflix apple chase facebook dropbox docusign dhl".split()
LURES = "secure login verify account update support billing service signin confirm webmail unlock alert customer id".split()
FAMILY_WORDS = (
    "gather carry follow answer borrow finish travel wander listen notice reach settle offer pull shine climb".split(),
    "window garden finger engine basket silver letter bottle corner spirit market summer button butter blanket copper".split(),
)
