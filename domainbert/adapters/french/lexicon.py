"""Words of the built-in French corpus, the more frequent ones first; ``*`` marks an h that allows no elision.

Written for this project; the lists of a class are drawn from by Zipf's law in their order.
"""

# Each person is masculine/feminine; one word where both are the same.
PEOPLE = """
ami/amie voisin/voisine docteur/doctoresse élève enfant maître/maîtresse directeur/directrice ouvrier/ouvrière marchand/marchande
boulanger/boulangère instituteur/institutrice paysan/paysanne journaliste médecin/médecin avocat/avocate secrétaire fermier/fermière
infirmier/infirmière musicien/musicienne écrivain/écrivaine peintre/peintre étudiant/étudiante professeur/professeure patron/patronne
client/cliente cuisinier/cuisinière chanteur/chanteuse danseur/danseuse acteur/actrice juge député/députée préfet/préfète
maire/mairesse notaire libraire pharmacien/pharmacienne couturier/couturière jardinier/jardinière berger/bergère vigneron/vigneronne
pêcheur/pêcheuse meunier/meunière forgeron/forgeronne menuisier/menuisière charpentier/charpentière maçon/maçonne cordonnier/cordonnière
horloger/horlogère bijoutier/bijoutière épicier/épicière boucher/bouchère facteur/factrice gardien/gardienne concierge cocher/cochère
soldat/soldate capitaine général/générale marin/marine pilote mécanicien/mécanicienne ingénieur/ingénieure chimiste physicien/physicienne
savant/savante inspecteur/inspectrice commissaire témoin/témoin voyageur/voyageuse étranger/étrangère prisonnier/prisonnière
orphelin/orpheline héritier/héritière cousin/cousine neveu/nièce oncle/tante parrain/marraine veuf/veuve jumeau/jumelle
locataire propriétaire habitant/habitante villageois/villageoise bourgeois/bourgeoise artisan/artisane apprenti/apprentie stagiaire
bibliothécaire archiviste photographe architecte sculpteur/sculptrice poète/poétesse romancier/romancière comédien/comédienne
guide interprète traducteur/traductrice ambassadeur/ambassadrice ministre syndicaliste électricien/électricienne plombier/plombière
vétérinaire apiculteur/apicultrice éleveur/éleveuse maraîcher/maraîchère bûcheron/bûcheronne garde chasseur/chasseuse
"""

ANIMALS_M = """
chien chat cheval oiseau loup renard lapin mouton coq âne bœuf cerf ours rat poisson papillon canard corbeau écureuil hérisson* lézard
serpent pigeon merle taureau sanglier blaireau faucon *hibou héron* cygne agneau poulain veau
"""
ANIMALS_F = """
vache poule chèvre brebis souris abeille mouche jument grenouille truite alouette hirondelle fourmi araignée pie chouette oie
couleuvre belette cigogne vipère guêpe tortue mouette
"""

THINGS_M = """
livre papier couteau chapeau manteau panier sac seau lit fauteuil banc coffre miroir tableau cahier crayon journal billet bouquet
bateau train camion vélo moteur marteau clou outil fil ruban collier anneau bijou trésor portrait piano violon tambour fusil drapeau
bâton verre bol plat pot tonneau four poêle rideau tapis drap coussin oreiller peigne savon parapluie bagage carnet dossier document
registre contrat testament manuscrit dictionnaire télégramme colis chariot tracteur filet *harpon *hamac *hachoir établi escabeau
tiroir placard cadenas verrou escalier volet robinet tuyau ordinateur téléphone appareil écran clavier logiciel satellite microscope
instrument éventail uniforme tablier gilet pantalon costume foulard gant soulier sabot bonnet masque
"""
THINGS_F = """
lettre table chaise lampe porte fenêtre clef boîte montre robe chemise veste ceinture bague valise malle voiture charrette bicyclette
barque échelle corde hache* pelle pioche scie aiguille bougie chandelle horloge cloche couverture nappe assiette tasse cuillère
fourchette bouteille carafe marmite casserole plume page affiche photographie carte statue médaille couronne épée armure flûte
guitare harpe* chanson machine roue chaîne vis poutre planche brique tuile pierre échoppe étoffe dentelle écharpe botte pantoufle
poupée balle toupie image enveloppe facture quittance ordonnance brochure encyclopédie antenne batterie imprimante tablette
"""

PLACES_M = """
village jardin marché château port moulin pont bois chemin quartier café musée théâtre collège bureau magasin hôpital hôtel couvent
cimetière palais parc quai verger étang lac bourg *hameau *hangar atelier grenier salon couloir vestibule carrefour boulevard square
phare ravin vallon sentier canal barrage aéroport stade laboratoire tribunal lavoir pressoir ermitage observatoire
"""
PLACES_F = """
maison ville rue place gare église école ferme forêt rivière montagne plage mairie boutique cour cave cuisine chambre bibliothèque
usine prison caserne auberge grange écurie vigne colline vallée île fontaine source falaise prairie lande clairière avenue ruelle
chapelle cathédrale abbaye tour terrasse véranda banque préfecture université librairie pharmacie boulangerie brasserie mine carrière
"""

ABSTRACT_M = """
temps travail amour bonheur projet espoir silence courage souvenir voyage mariage malheur secret plaisir chagrin repos départ retour
accident incendie orage procès débat scandale complot héritage succès échec rêve doute regret remords soupçon désir orgueil mensonge
conseil ordre avis accord progrès changement événement spectacle concert discours récit jeu pari défi hasard* courroux apprentissage
enseignement commerce traité règlement impôt budget chômage climat déluge hiver automne printemps été héroïsme enthousiasme
"""
ABSTRACT_F = """
vie histoire guerre paix mort joie peur colère vérité justice liberté santé maladie fortune misère faim* soif fête idée question
réponse nouvelle affaire découverte aventure enquête promesse décision réunion élection révolution grève récolte tempête inondation
sécheresse épidémie visite rencontre séparation dispute réconciliation confiance jalousie patience tristesse gaieté inquiétude
espérance humeur habitude coutume tradition mode éducation recherche science musique peinture poésie politique économie agriculture
industrie expérience analyse méthode théorie conférence exposition cérémonie haine* honte* hypothèse
"""

FOOD_M = """
pain vin fromage lait beurre sel sucre café thé miel jambon gâteau riz potage poulet raisin abricot haricot* artichaut oignon ail
chocolat vinaigre cidre biscuit pâté rôti melon navet poireau
"""
FOOD_F = """
soupe viande pomme poire cerise fraise farine huile bière salade tomate carotte prune noix amande confiture crème tarte omelette
saucisse orange olive citrouille pêche châtaigne liqueur
"""

# The feminine is regular unless it is given; those of the second list stand before their noun.
ADJECTIVES = """
noir/noire blanc/blanche rouge vert/verte bleu/bleue jaune gris/grise froid chaud profond pauvre/pauvre riche triste heureux
simple public/publique
important dangereux difficile facile étrange curieux sérieux sombre clair humide sec/sèche léger lourd fort faible doux/douce amer
propre sale neuf/neuve ancien moderne célèbre inconnu perdu secret/secrète étroit large court épais/épaisse mince solide fragile rapide lent
brillant pâle rond carré pointu lisse rude tendre cruel fidèle honnête malin/maligne prudent patient inquiet/inquiète joyeux furieux
calme bruyant silencieux vide plein ouvert fermé pur frais/fraîche vif sage fou/folle ivre aveugle muet/muette sourd malade vivant
mort nu utile inutile nécessaire possible impossible exact faux/fausse vrai parfait complet/complète immense énorme minuscule superbe
magnifique admirable affreux horrible hideux* ridicule absurde normal local municipal royal national international rural central final
principal original annuel officiel réel cruel naturel industriel commercial agricole maritime militaire religieux politique scientifique
historique technique électrique numérique économique social familial médical légal provisoire extraordinaire ordinaire quotidien parisien
breton/bretonne normand provençal alsacien gascon italien anglais espagnol allemand américain européen africain oriental
rustique robuste élégant coquet modeste discret/discrète orgueilleux jaloux/jalouse avare généreux aimable charmant insupportable
hautain* hardi* honteux* humble harmonieux hostile
"""
ADJECTIVES_BEFORE = """
petit grand vieux/vieille beau/belle bon/bonne jeune nouveau/nouvelle mauvais gros/grosse long/longue joli premier dernier autre vaste
"""

# Verbs by what they take
TAKES_THING = """
trouver chercher porter regarder garder montrer donner poser apporter acheter casser cacher ramasser jeter nettoyer vendre préparer
réparer fabriquer emporter laisser oublier retrouver observer toucher examiner dessiner peser mesurer compter ranger déplacer
transporter échanger voler abandonner récupérer conserver décorer emballer brûler tailler percer plier déchirer accrocher décrocher
soulever pousser tirer traîner soigner désirer réclamer refuser accepter admirer choisir saisir fournir bâtir démolir vernir
remplir garnir polir envahir exposer installer utiliser photographier étudier décrire lire écrire prendre mettre voir tenir
ouvrir perdre recevoir découvrir suivre craindre connaître rendre attendre boire peindre reconnaître couvrir offrir
"""
TAKES_PERSON = """
aimer aider appeler saluer inviter écouter rencontrer accompagner interroger consoler embrasser remercier quitter épouser visiter
détester admirer rassurer surprendre protéger menacer accuser soupçonner condamner défendre gronder féliciter consulter employer
engager renvoyer guider poursuivre croire entendre convaincre trahir punir avertir guérir secourir accueillir tromper
surveiller arrêter sauver encourager contrarier intriguer fréquenter présenter réveiller
"""
WITHOUT_OBJECT = """
marcher travailler parler chanter pleurer trembler hésiter réfléchir attendre dormir sourire courir rire souffrir voyager
crier jouer danser dîner déjeuner bavarder grogner soupirer bâiller rêver respirer murmurer rougir pâlir vieillir grandir
obéir patienter méditer prier nager patauger tousser ronfler somnoler discuter protester persister renoncer triompher échouer
"""
MOTION = "aller venir revenir partir arriver rentrer retourner descendre monter entrer sortir passer tomber rester"
SAYING = """
dire penser affirmer raconter expliquer répéter annoncer croire savoir assurer jurer avouer promettre prétendre déclarer
constater répondre ajouter soutenir comprendre imaginer espérer craindre apprendre écrire remarquer supposer démontrer nier
"""
HAPPENS = "commencer durer continuer finir cesser éclater changer troubler diviser occuper inquiéter passionner surprendre réjouir passer"

ADVERBS = """
bien souvent toujours encore déjà beaucoup peu longtemps ensemble tard tôt soudain enfin presque trop assez mal vite ailleurs
doucement lentement rapidement seulement vraiment certainement probablement tranquillement heureusement malheureusement facilement
difficilement longuement rarement sûrement évidemment prudemment patiemment brusquement gaiement tristement courageusement secrètement
publiquement soigneusement volontiers exprès dehors* dedans partout parfois autrefois désormais naguère jadis aussitôt bientôt
furieusement joyeusement silencieusement bruyamment maladroitement adroitement timidement honnêtement poliment sèchement froidement
tendrement cruellement fidèlement obstinément mystérieusement discrètement hardiment* hâtivement* inutilement sérieusement
immédiatement régulièrement progressivement considérablement localement officiellement définitivement provisoirement
"""

MEN = """
Jean Pierre Paul Jacques Louis Henri Charles Antoine Marcel Émile Étienne Georges Albert Léon Eugène Julien Gaston Lucien Édouard
Augustin Mathieu Nicolas Thomas Hugo Théo Lucas Adrien Baptiste Clément Damien Fabien Gaspard Hector Hubert Ignace Jérôme Karim Laurent
Maxime Nestor Octave Philibert Quentin Raphaël Sylvain Tristan Ulysse Valentin Xavier Yves Zacharie Anatole Barnabé Casimir Désiré
Edmond Félicien Grégoire Honoré Isidore Justin Lazare Mohamed Noël Olivier Prosper Rémi Sébastien Timothée Victor Amadou
"""
WOMEN = """
Marie Jeanne Louise Marguerite Anne Claire Hélène Julie Élise Camille Berthe Suzanne Madeleine Lucie Alice Cécile Delphine Émilie
Françoise Geneviève Hortense Irène Joséphine Léa Manon Nathalie Odile Pauline Rosalie Sophie Thérèse Valérie Yvonne Zoé Adèle Blanche
Clémence Denise Eugénie Fanny Gabrielle Henriette Inès Judith Karine Léonie Mathilde Noémie Ophélie Philomène Rachel Séverine Théodora
Ursule Véronique Agathe Brigitte Constance Dorothée Estelle Fatima Ghislaine Héloïse Isabelle Juliette Laure Nadia Aminata
"""

# Parts of made-up surnames and towns
SURNAME_STARTS = """
Aub Bar Bel Ber Bou Bris Cas Chab Char Cour Dar Del Des Dom Dur Es Far Fav Font Gar Gir Gou Gran Jol Lab Lam Lar Lem Mal Mar Mer Mon
Mour Nav Ol Pas Per Pon Que Rav Rib Roch Rou Sal Ser Sor Tal Tar Tour Val Var Ver Vil
"""
SURNAME_MIDDLES = "a an ar e el er i il in o ol on ou u"
SURNAME_ENDS = """
bert card chet deau dier doux fort gnac gnon lade laud lier mage mier nac neau net nier pin quet rac rand rel rier rin sac seau sin
taloup teau tier tin val vel vert zac
"""
TOWN_STARTS = """
Ville Mont Beau Roche Font Châtel Bourg Val Clair Pierre Haute Basse Saint-Aubin Saint-Éloi Sainte-Foy Saint-Cyr Neuf Vieux Bois Mar
Chante Belle Rive Grand Port Puy Champ Cour Aigue Aube
"""
TOWN_ENDS = """
fort mont ville court bourg rive lac brune claire vert noir loup mer val roche lune mart gny sac zan nay verne dun ron gaud teil
"""
RIVERS = "Sarche Orlenne Vaudre Isole Touvre Aumette Lignerolle Drouze Essonnaise Garelle Mauve Blaise Orbiel Serpe Yonnelle Ormance"
