r"""The sample's sentences, by kind of study and section.

``{a|b|}`` is a choice, ``<slot>`` is filled from the facts of the document, ``@was`` and its like agree with the last number before them.
A sentence with its choices made is a variant; there are 4,499, and half of them belong to one group each.
"""

OPENINGS = (
    "{The purpose|The aim|The objective} of this study was to",
    "{We|In this study, we} {sought|aimed|set out|wished} to",
    "{This study was designed|The present study was undertaken|Our aim was} to",
    "We therefore {attempted|decided} to",
    "{Here|In the present work}, we {report our efforts|describe an attempt} to",
)

BACKGROUND = (
    "<Disease> is {a|an increasingly} {common|frequent|recognized|serious} cause of {morbidity|mortality|disability|hospital admission} in "
    "{adults|children|the elderly|young women|developing countries}.",
    "The {pathogenesis|etiology|natural history|epidemiology} of <disease> {remains|is still|is} {poorly|incompletely|not fully} understood.",
    "{Although|While} <drug> {has been used|is widely prescribed} for {many years|more than a decade} in {patients with |}<disease>, "
    "{data on its safety are|evidence for its efficacy is} {scarce|limited|conflicting}.",
    "<Gene> has {recently |}been {implicated|shown to be involved} in the {development|progression|regulation} of <disease>.",
    "{Previous|Several|Earlier} {studies|reports|observations} {have suggested|suggest|indicated} that <gene> {may play|plays} a {key|central|"
    "minor|dual} role in <organ> {inflammation|development|homeostasis|injury|repair}.",
    "<Drug>, a {novel|selective|potent|long-acting|second-generation} <drugkind>, {reduces|lowers|inhibits|attenuates} <analyte> "
    "{release|production|uptake|secretion} {in vitro|in vivo|in animal models|in healthy volunteers}.",
    "The {optimal|best|preferred} {treatment|management|timing of surgery} {for|in} {patients with |}<disease> {has yet to be "
    "determined|is controversial|is a matter of debate}.",
    "{Elevated|Increased|Low|Abnormal} {serum|plasma|urinary} <analyte> {levels have|concentrations have} been {reported|described|observed} "
    "in <disease>.",
    "{Long-term|Five-year|Early} {outcomes|results|complications} of <procedure> {for|in} <disease> {have rarely been|are seldom} "
    "{reported|compared}.",
    "{It is|It remains} {unclear|unknown|uncertain} whether <drug> and <drug2> {differ in|have similar} {efficacy|tolerability|costs}.",
)

TITLES = (
    "{Efficacy and safety|Effects|Long-term effects|Cost-effectiveness} of <drug> {in|for the treatment of} <disease>",
    "<Drug> versus <drug2> {in|for} {patients with |}<disease>: a {randomized|double-blind|multicenter|pragmatic} trial",
    "{Role|Expression|Prognostic value|Regulation} of <gene> in <disease>",
    "<Gene> {mediates|regulates|suppresses|promotes} <organ> {fibrosis|inflammation|regeneration|injury}{ in mice| through <gene2>|}",
    "{Outcome|Results|Complications|Learning curve} of <procedure> {in|for} <disease>",
    "{Serum|Plasma|Urinary} <analyte> {as a marker of|and the risk of|predicts} <disease>",
    "{Is <procedure> still indicated|Is <procedure> safe|Does <procedure> improve survival} in <disease>?",
    "<Disease> {presenting as|associated with|mimicking} <disease2>: {a case report|report of a case and review of the literature}",
    "{Prevalence|Incidence|Predictors|Risk factors} {and outcome |}of <disease> in {children|the elderly|<city>|primary care}",
    "{A polymorphism|A novel mutation|Loss of heterozygosity} {in|of} the <gene> gene {in|and susceptibility to} <disease>",
)

TRIAL = {
    "aim": (
        "compare <drug> with {placebo|<drug2>} in {patients with |}<disease>.",
        "{determine|establish|evaluate} the {efficacy|safety|tolerability} of <drug> in {adults|children|patients} with <disease>.",
        "{assess|examine} whether {adding <drug> to|replacing} <drug2> {improves|affects} {survival|quality of life|<analyte>}.",
    ),
    "methods": (
        "<N:patient> with <disease> @was {randomly assigned|randomized|allocated} to {receive |}<drug> (<dose>; n = <n1>) or {placebo|<drug2>} "
        "(n = <n2>) {for|over} <period>.",
        "{This was a|We conducted a} {randomized|prospective|double-blind|open-label|multicenter}, {controlled|placebo-controlled|phase III} trial"
        "{ conducted at <k> centers in <city>|}.",
        "{The primary|The main} {endpoint|outcome} was {the change in <analyte>|overall survival|<organ> function|relapse} at <period>.",
        "{Secondary|Other} {endpoints|outcomes} {included|were} {adverse events|quality of life|length of stay} and <analyte>.",
        "<Drug> was {given|administered} {orally|intravenously|subcutaneously} {once|twice|three times} {daily|a week} at {a dose of |}<dose>.",
        "{Analysis was|All analyses were} {by intention to treat|adjusted for age and sex|blinded}.",
        "Patients were {seen|examined|followed up} {every <period>|at <period>|after <period>} and <analyte> was measured{ by ELISA|}.",
    ),
    "results": (
        "{The mean|Mean|Median} <analyte> {decreased|fell} from <v1> to <v2> <unit> {with|in patients given} <drug> {but|and} {did not change|"
        "was unchanged} {with|in those given} {placebo|<drug2>} (<p>).",
        "{Remission|Response|Relapse|Recovery} {occurred|was seen} in <n3> (<pc1>%) of <n1> patients {receiving|treated with} <drug> and in "
        "<n4> (<pc2>%) of <n2> {controls|given <drug2>} (<ratio>; <p>).",
        "{Survival|Quality of life|<organ> function} {was better|did not differ|was similar} {in the two|between} groups (<p>).",
        "<K:patient> @was {withdrawn|lost to follow-up|excluded} because of {adverse events|protocol violations|<sideeffect>}.",
        "{The most common|Frequent} adverse {events|effects} {were|included} <sideeffect>, <sideeffect2>, and <sideeffect3>.",
        "{Adverse events|Serious adverse events|<Sideeffect>} {occurred in|affected} <pc3>% of the <short> patients {receiving|on} <drug>.",
        "At <period>, the {difference|benefit} {persisted|had disappeared|was still significant} (<p>).",
    ),
    "conclusion": (
        "<Drug> {is|appears to be|was} {more effective than|as effective as|superior to|no better than} {placebo|<drug2>} in <disease>.",
        "{These results|Our findings|The data} {support|do not support} the use of <drug> in {patients with |}<disease>.",
        "{Treatment|Therapy} with <drug> {improves|does not improve} {outcome|survival|symptoms} in <disease> {and is well tolerated|but is "
        "associated with <sideeffect>}.",
    ),
}

COHORT = {
    "aim": (
        "{identify|determine} {predictors|risk factors} {of|for} {death|recurrence|<disease2>} in patients with <disease>.",
        "{examine|assess|investigate} the association {between|of} <analyte> {and|with} <disease>.",
        "{estimate|describe} the {incidence|prevalence|burden} of <disease> {in <city>|in a population-based cohort|among <group>}.",
    ),
    "methods": (
        "We {reviewed|analyzed|retrospectively studied} {the records of |}<N:patient> {with|who had} <disease> {seen|treated|diagnosed} "
        "between <year1> and <year2>.",
        "{A total of |}<N:patient> (<n1> men and <n2> women; mean age, <age> years) with <disease> and <n3> {healthy|age-matched} controls "
        "{were enrolled|were recruited|participated}.",
        "{Multivariate|Univariate|Logistic|Cox} regression {was used|analysis was performed} to {identify|adjust for} {confounders|independent "
        "predictors}.",
        "<Analyte> was {measured|determined} {in serum|in plasma|in all patients} by {ELISA|HPLC|radioimmunoassay|mass spectrometry}.",
        "Data {were obtained|were collected} from {a national registry|hospital records|questionnaires|interviews}{ in <city>|}.",
        "{Ratios|Risk estimates} {were calculated|and 95% confidence intervals were calculated}{ with adjustment for age|}.",
    ),
    "results": (
        "<Analyte> was {higher|lower} in {patients|subjects} with <disease> than in controls (<v1> ± <s1> vs. <v2> ± <s2> <unit>; <p>).",
        "{During|Over} a {median|mean} follow-up of <period>, <k:patient> @was {readmitted|found to have <disease2>|lost}.",
        "{Independent predictors|Risk factors} {of death|of recurrence} were {age|male sex|smoking}, <analyte> (<ratio>) and <disease2> "
        "(<ratio2>).",
        "The {overall|crude|age-adjusted} {incidence|prevalence|mortality} was <pc1>% {in men and <pc2>% in women|(<ci>)}.",
        "Of the <N> patients, <n3> (<pc3>%) had <disease2>{ and <n4> (<pc2>%) had both|}.",
        "{There was|We found} {a positive|an inverse|no} correlation between <analyte> and {age|body mass index|disease duration} (r = <r>; "
        "<p>).",
        "{Five-year|One-year|Ten-year} survival was <pc1>% {in|for} <short> {and|versus} <pc2>% {in|for} {controls|other patients}.",
    ),
    "conclusion": (
        "{Elevated|Low} <analyte> {is|was} {an independent|a strong|a weak} {predictor|marker|risk factor} {of|for} <disease>.",
        "{Patients with <disease>|<Group>} {should be|need to be} {screened for|informed about} <disease2>.",
        "The {burden|prevalence|incidence} of <disease> {is higher than expected|is increasing|varies with age}.",
    ),
}

MOLECULAR = {
    "aim": (
        "{investigate|elucidate|clarify} the {role|function|contribution} of <gene> in <disease>.",
        "{determine|test} whether <gene> {regulates|interacts with|is required for} <gene2>.",
        "{characterize|study} the {effect|mechanism of action} of <drug> on <organ> {cells|tissue|fibroblasts}.",
    ),
    "methods": (
        "{Wild-type|<gene>-deficient|Transgenic} mice were {treated|injected|fed} with <drug> ({<dose>|<smalldose>}) {for <period>|daily}.",
        "{Human|Rat|Murine|Primary} <organ> {cells|fibroblasts|epithelial cells} were {incubated|stimulated|cultured} with <drug> (<smalldose>) "
        "{for <hours> h|in the presence of <analyte>}.",
        "{The expression|mRNA levels|Protein levels} of <gene> {was|were} {measured|assessed|quantified} by {Western blotting|RT-PCR|"
        "immunohistochemistry|flow cytometry}.",
        "{Cells were transfected|HEK293 cells were transfected} with {siRNA against <gene>|a <gene> expression plasmid}.",
        "{Tissue|Biopsy} {samples|specimens} from <N:patient> with <disease> @was {stained|analyzed|examined} for <gene>{ and <gene2>|}.",
        "Approximately <mant> × 10<exp> cells {were plated|per mL were used}{ at 37 °C in 5% CO₂|}.",
    ),
    "results": (
        "<Gene> {was|is} {highly|strongly|weakly} expressed in {the <organ> epithelium|<organ> tissue|<disease>} {but not in|and in} "
        "{normal tissue|controls}.",
        "{Overexpression|Knockdown|Silencing|Inhibition} of <gene> {increased|decreased|abolished|enhanced} <gene2> {phosphorylation|"
        "expression|activity|secretion} by <pc1>% (<p>).",
        "<Drug> {inhibited|stimulated|blocked} {proliferation|apoptosis|migration|Ca²⁺ influx} in a {dose-dependent|time-dependent} manner "
        "(IC₅₀ = <v1> <conc>).",
        "{In <gene>-/- mice|In knockout mice}, <analyte> {was|fell to} <v1> <unit>{, compared with <v2> <unit> in wild-type littermates|} (<p>).",
        "<Gene> {bound|co-immunoprecipitated with|colocalized with} <gene2>{ in the nucleus| at the cell membrane|}.",
        "{This effect|The increase in <gene2>} was {prevented|abolished|mimicked} by <drug>{ but not by <drug2>|}.",
        "{Interestingly|Surprisingly|Furthermore|In contrast}, {loss of <gene>|<drug>} {had no effect on|reduced|restored} <gene2> {levels|"
        "activity}.",
    ),
    "conclusion": (
        "{Taken together, these|These|Our} {data|results|findings} {suggest|indicate|demonstrate} that <gene> {regulates|controls|is "
        "essential for} <gene2> {in <disease>|signaling|expression}.",
        "<Gene> {may be|is|represents} a {potential|novel|promising} {therapeutic target|biomarker} {in|for} <disease>.",
        "{We conclude that|Thus,} <drug> {acts|exerts its effect} {through|independently of} <gene>.",
    ),
}

GENETICS = {
    "aim": (
        "{test|examine} {the association of|whether} <gene> {polymorphisms with|variants predispose to} <disease>.",
        "{identify|map} the gene {responsible for|mutated in} {familial|autosomal dominant|X-linked} <disease>.",
    ),
    "methods": (
        "{We genotyped|Genotyping was performed in} <N:patient> with <disease> and <n3> controls {of European|of Asian|of African} {descent|"
        "ancestry}.",
        "{All|The} <exons> exons of <gene> were {sequenced|amplified by PCR|screened by SSCP} in <n1> {unrelated |}{probands|families}.",
        "{Linkage|Haplotype|Segregation} analysis was {performed|carried out} {in a large pedigree|in <k> families} from <city>.",
    ),
    "results": (
        "{A|One} {missense|nonsense|frameshift|splice-site} mutation ({p.|}<aa1><pos><aa2>) in <gene> {was found|segregated with the disease} in "
        "<k:family>.",
        "The {<allele> allele|<allele>/<allele> genotype} was {more|less} {frequent|common} in patients than in controls (<pc1>% vs. <pc2>%; "
        "<ratio>; <p>).",
        "{The maximum|A maximum} lod score of <lod> was {obtained|found} {at marker D<chr>S<pos>|on chromosome <chr><arm>}.",
        "{No|Neither} {association|difference} was {found|seen} {between|for} <gene2> and <disease> (<p>).",
        "{Carriers|Patients homozygous for the <allele> allele} had {higher|lower} <analyte> ({χ² = <lod>; |}<p>).",
    ),
    "conclusion": (
        "{Mutations|Variants} in <gene> {cause|are associated with|account for <pc3>% of} <disease>.",
        "{The|Our} {findings|results} {confirm|exclude} <gene> as {a susceptibility gene|the gene} for <disease>.",
    ),
}

SURGERY = {
    "aim": (
        "{report|evaluate|review} our {experience|results} with <procedure> {for|in} <disease>.",
        "compare <procedure> with <procedure2> in {patients with |}<disease>.",
    ),
    "methods": (
        "{Between <year1> and|From <year1> to} <year2>, <N:patient> with <disease> underwent <procedure>{ at our institution| in <city>|}.",
        "<Procedure> was performed {in <n1>|in <n1> patients} and <procedure2> in <n2>{ patients|}.",
        "{Follow-up|Imaging} {included|consisted of} {CT|MRI|ultrasound|<procedure2>} {at <period>|every <period>}.",
        "{Operative time|Blood loss|Hospital stay} and {complications|<analyte>} were {recorded|compared}.",
    ),
    "results": (
        "{There were|We observed} <k:death> {and <k2> complications|within <period>}.",
        "{Mean|Median} {operative time|hospital stay|blood loss} was <v1> ± <s1> {min|days|mL} {for|in} {the <short> group|<procedure>} (<p>).",
        "{Complications|Conversions|Recurrences} {occurred in|were seen in} <n3> patients (<pc1>%){, including <sideeffect>|}.",
        "<K:patient> @was {re-operated|reoperated on|readmitted} {because of|for} {bleeding|<sideeffect>|recurrent <disease>}.",
        "{At|After} <period>, <pc2>% {were|of the patients were} {free of symptoms|alive|satisfied}.",
    ),
    "conclusion": (
        "<Procedure> is {a safe and effective|a feasible|an acceptable} {treatment|alternative to <procedure2>} {for|in} <disease>.",
        "{We recommend|We do not recommend} <procedure> {as first-line treatment of|in} <disease>.",
    ),
}

CASE = {
    "aim": (),
    "methods": (
        "@a <age>-year-old <person> {presented|was admitted|was referred} with {a <period> history of |}<sideeffect>{ and <sideeffect2>|}.",
        "<He> had {been taking|received} <drug> (<dose>) for <disease>{ for <period>|}.",
        "<His> {past|medical|family} history {included|was remarkable for} <disease2>.",
    ),
    "results": (
        "{Laboratory|Blood} tests {showed|revealed} <analyte> of <v1> <unit>.",
        "{CT|MRI|<Procedure>|A biopsy} {showed|revealed|demonstrated} {a <mm>-mm <organ> mass|<disease>|signs of <disease>}.",
        "<He> {underwent <procedure>|was treated with <drug2>} and {<his> symptoms resolved|recovered} {within|after} <period>.",
        "<Drug> was {stopped|discontinued|replaced by <drug2>} and <his> <analyte> {returned to normal|fell to <v2> <unit>}.",
        "{Sequencing|Genetic testing} {identified|showed} a {heterozygous|homozygous} <gene> mutation in <him>{ and <his> mother|}.",
        "At <period> of follow-up, <he> {was well|remained free of disease|died of <disease>}.",
    ),
    "conclusion": (
        "{To our knowledge|To the best of our knowledge}, this is the {first|second} {report|case} of <disease> {associated with|caused by} "
        "<drug>.",
        "{Clinicians|Physicians} should {be aware of|consider} <disease> in {patients with <sideeffect>|any <person> treated with <drug>}.",
    ),
}

DIAGNOSTICS = {
    "aim": (
        "{assess|determine} the {diagnostic accuracy|value} of <analyte> {for|in the diagnosis of} <disease>.",
        "{validate|compare} {a new assay for|two methods of measuring} <analyte> in <disease>.",
    ),
    "methods": (
        "<N:patient> with {suspected|proven} <disease> @was {prospectively|consecutively} {enrolled|examined|tested}.",
        "{<Procedure>|Histology|Clinical follow-up} {served as|was} the {reference|gold} standard.",
        "{ROC curves|Sensitivity and specificity|Likelihood ratios} were {calculated|constructed} for {a cut-off of <v1> <unit>|<analyte>}.",
    ),
    "results": (
        "{The|At a cut-off of <v1> <unit>, the} sensitivity {was|of <analyte> was} <pc1>% and {the |}specificity <pc2>%{ (<ci>)|}.",
        "The area under the {ROC |}curve was <r>{ for <analyte> and <r2> for <analyte2>|}.",
        "{Agreement|Interobserver agreement} was {good|moderate|poor} (κ = <r>).",
        "<K:patient> with <short> @was {missed|misclassified} by <analyte>.",
        "{False-positive|False-negative} results were {found|seen} in <n3> of <N> (<pc3>%).",
    ),
    "conclusion": (
        "<Analyte> is {a useful|not a useful|a sensitive} {test|marker} for <disease>{ in primary care|}.",
        "{The assay|<Analyte>} {may replace|cannot replace|complements} <procedure> in <short>.",
    ),
}

STUDIES = (TRIAL, COHORT, MOLECULAR, GENETICS, SURGERY, CASE, DIAGNOSTICS)
STUDY_WEIGHTS = (22, 22, 20, 9, 11, 8, 8)

SIDE_EFFECTS = """
nausea vomiting headache dizziness fatigue fever rash pruritus diarrhea constipation insomnia somnolence anorexia dyspnea cough edema
hypotension hypertension bradycardia tachycardia neutropenia thrombocytopenia anemia leukopenia hyperkalemia hypokalemia hyponatremia
hypoglycemia arthralgia myalgia alopecia xerostomia tinnitus vertigo syncope palpitations hematuria proteinuria jaundice ascites
stomatitis mucositis paresthesia tremor ataxia dysphagia dyspepsia flushing weight|loss weight|gain abdominal|pain chest|pain back|pain
blurred|vision wound|infection
""".split()
GROUPS = """
women|over|65 preterm|infants health|care|workers smokers dialysis|patients kidney|transplant|recipients pregnant|women obese|adolescents
elderly|men blood|donors
""".split()
